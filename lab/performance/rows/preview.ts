import { join } from "node:path";
import { clone } from "../../../operations/operation";
import { type Contender, npmRun, type Run, run, sideBySide } from "../measure";
import { peer } from "../peers";
import { amount, type Part, type Row } from "../row";
import { Stacks } from "../stacks";

export const preview: Row = {
    name: "preview",
    title: "Preview of the whole `online` program, all providers local",
    peer: "an empty `pulumi new typescript` program with default settings",
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
                    { what: "preview, warm: CPU", unit: "s", ...warmOf("cpuSeconds"), goal: { atMost: 1 } },
                    { what: "preview, cold: CPU", unit: "s", ...coldOf("cpuSeconds"), goal: { atMost: 0.7 } },
                    { what: "preview, warm: wall", unit: "s", ...warmOf("wallSeconds") },
                    { what: "preview, cold: wall", unit: "s", ...coldOf("wallSeconds") },
                    { what: "beside the floor, an empty compiled program: CPU", unit: "s", ...beside("cpuSeconds") },
                    { what: "beside the floor: wall", unit: "s", ...beside("wallSeconds") },
                    {
                        what: "`npm run preview`, with a stack of its own, the policies and the report: CPU",
                        unit: "s",
                        ours: amount(warm.command.cpuSeconds),
                        peer: amount(warm.empty.cpuSeconds),
                    },
                    {
                        what: "`npm run preview`: wall",
                        unit: "s",
                        ours: amount(warm.command.wallSeconds),
                        peer: amount(warm.empty.wallSeconds),
                    },
                ],
                parts: [...(await processesOf("ours", ours)), ...(await processesOf("empty", empty))],
                remarks: [
                    "Cold: without ts-node's cache of compiled code, as in a clone's first preview or in CI. Ours keeps none.",
                    "What is left is the SDK's own: a program that does nothing costs the floor. Ours adds three plugins, two of them Node processes that stand in for Go binaries, and a registration by gRPC for each resource.",
                ],
            };
        }),
};

const kinds = [
    ["the program", /cmd\/run\/index\.js/],
    ["the Kubernetes provider", /pulumi-resource-kubernetes/],
    ["the stand-in for alicloud", /alicloud-provider/],
    ["the stand-in for docker", /docker-provider/],
    ["the cluster's reader (preflight)", /preflight\/ask\.mjs/],
    ["the language host", /language-nodejs \S*|require\.resolve|--version/],
    ["the engine", /pulumi (preview|up)/],
    ["npm and our command", /npm |machine\/main\.ts/],
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
