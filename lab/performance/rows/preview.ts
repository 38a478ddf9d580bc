import { join } from "node:path";
import { clone } from "../../../toolchain/places";
import { type Contender, npmRun, type Run, run, sideBySide } from "../measure";
import { peer } from "../peers";
import { amount, type Part, type Row } from "../row";
import { Stacks } from "../stacks";

export const preview: Row = {
    name: "preview",
    title: "Preview of the complete `online` program",
    peer: "a preview of an empty `pulumi new typescript` program with default settings",
    onMachine: false,
    measure: () =>
        Stacks.using(async (stacks) => {
            const ours = await stacks.ours("online");
            const folder = await peer("empty");
            const empty = await stacks.another("empty", folder);
            const floor = await stacks.another("floor", join(folder, "floor"));
            const command = npmRun("preview", clone, "--stack", "online");
            const warm = await sideBySide({ ours, command, empty, floor }, { rounds: 7, warmUps: 1 });
            const cold = await sideBySide({ ours: stacks.cold(ours), empty: stacks.cold(empty) }, { rounds: 5, warmUps: 0 });
            const warmOf = (key: "cpuSeconds" | "wallSeconds") => ({ ours: amount(warm.ours[key]), peer: amount(warm.empty[key]) });
            const coldOf = (key: "cpuSeconds" | "wallSeconds") => ({ ours: amount(cold.ours[key]), peer: amount(cold.empty[key]) });
            const beside = (key: "cpuSeconds" | "wallSeconds") => ({ ours: amount(warm.ours[key]), peer: amount(warm.floor[key]) });
            return {
                figures: [
                    { what: "warm preview: CPU time", unit: "s", ...warmOf("cpuSeconds"), goal: { atMost: 1 } },
                    { what: "cold preview: CPU time", unit: "s", ...coldOf("cpuSeconds"), goal: { atMost: 0.7 } },
                    { what: "warm preview: wall time", unit: "s", ...warmOf("wallSeconds") },
                    { what: "cold preview: wall time", unit: "s", ...coldOf("wallSeconds") },
                    { what: "warm preview, compared with an empty compiled program: CPU time", unit: "s", ...beside("cpuSeconds") },
                    { what: "warm preview, compared with an empty compiled program: wall time", unit: "s", ...beside("wallSeconds") },
                    {
                        what: "`npm run preview` (also creates a stack, checks policies, writes a report): CPU time",
                        unit: "s",
                        ours: amount(warm.command.cpuSeconds),
                        peer: amount(warm.empty.cpuSeconds),
                    },
                    {
                        what: "`npm run preview` (also creates a stack, checks policies, writes a report): wall time",
                        unit: "s",
                        ours: amount(warm.command.wallSeconds),
                        peer: amount(warm.empty.wallSeconds),
                    },
                ],
                parts: [...(await processesOf("this project", ours)), ...(await processesOf("empty program", empty))],
                remarks: [
                    "All providers are local. The two previews do different work: the empty program registers no resources.",
                    "A cold preview has no cache of compiled code from ts-node, as in a clone's first preview or in CI. This project has no such cache.",
                    "The empty compiled program shows the SDK's own cost. This project adds three plugins, and one gRPC registration for each resource. Two of the plugins are Node processes that replace Go binaries.",
                ],
            };
        }),
};

const kinds = [
    ["the program", /cmd\/run\/index\.js/],
    ["the Kubernetes provider", /pulumi-resource-kubernetes/],
    ["the stand-in for the Alibaba Cloud provider", /alicloud-provider/],
    ["the stand-in for the Docker provider", /docker-provider/],
    ["the check of the cluster", /preflight\/ask\.mjs/],
    ["the language host", /language-nodejs \S*|require\.resolve|--version/],
    ["the engine", /pulumi (preview|up)/],
    ["npm and the command", /npm |machine\/main\.ts/],
] as const;

export async function processesOf(whose: string, contender: Contender): Promise<Part[]> {
    return partsOf(whose, await run(contender, 0.01));
}

/** The CPU time of each kind of process. */
export function partsOf(whose: string, { processes }: Run): Part[] {
    return kinds.flatMap(([what, pattern]) => {
        const those = processes.filter(({ command }) => kinds.find(([, kind]) => kind.test(command))?.[1] === pattern);
        const value = those.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
        return those.length > 0 ? [{ what: `${whose}: ${what}`, value, unit: "s of CPU" }] : [];
    });
}
