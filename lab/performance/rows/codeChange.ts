import { rmSync } from "node:fs";
import { join } from "node:path";
import { machineStack } from "../../../settings/machineStack";
import { built } from "../../../toolchain/goModules";
import { kubeconfig } from "../../../toolchain/places";
import { changeCode, copyOfClone } from "../../fixtures/copyOfClone";
import { LiveStack } from "../../fixtures/liveStack";
import { kubectl, machineDocker } from "../../machine/kubernetes";
import { baseImage, registryAddress } from "../../machine/registry";
import { type Contender, npmRun, run, sideBySide, spread } from "../measure";
import { type Amount, amount, type Part, type Row } from "../row";

export const codeChange: Row = {
    name: "codeChange",
    title: "Deployment of a code change to all pods (`npm run up`)",
    peer: "`docker build`, `docker push`, `kubectl set image` and `kubectl rollout status` by hand, with the same pods",
    onMachine: true,
    measure: async () => {
        const copy = copyOfClone();
        const app = join(copy, "app");
        try {
            const up = npmRun("up", copy);
            await run(up);
            const before = () => changeCode(app);
            const { ours, hand } = await sideBySide(
                { ours: { ...up, before }, hand: { ...(await byHand(app)), before } },
                { rounds: 2, warmUps: 1 },
            );
            changeCode(app);
            const { output } = await run(up);
            const live = await liveChanges(copy);
            return {
                figures: [
                    {
                        what: "code change until all pods serve it: wall time",
                        unit: "s",
                        ours: amount(ours.wallSeconds),
                        peer: amount(hand.wallSeconds),
                        goal: { atMost: 1.15 },
                    },
                    {
                        what: "code change until all pods serve it: CPU time of the commands",
                        unit: "s",
                        ours: amount(ours.cpuSeconds),
                        peer: amount(hand.cpuSeconds),
                    },
                    {
                        what: "code change until all pods run it, by `npm run dev`",
                        unit: "s",
                        ours: live,
                        peer: amount(ours.wallSeconds),
                        comparedWith: "the same by `npm run up`",
                        goal: { oursAtMost: 2 },
                    },
                ],
                parts: partsIn(output),
                remarks: [
                    "Both wait for the same rollout, which takes 6 s here. But the two do different work. Before any rollout, this project checks the cluster's free capacity. A Job also checks that the stores answer and that the database is up to date. The commands by hand check nothing.",
                    "With `npm run dev` all four pods start their processes again at the same time, on two cores. Their start takes most of the time.",
                    "The Job takes five seconds, three of them for its pod. Kubernetes waits a second for further changes of pods before it handles them, and a Job needs that twice. Pulumi's engine adds the time of a no-op `up`.",
                ],
            };
        } finally {
            rmSync(copy, { recursive: true, force: true });
        }
    },
};

/** The seconds until changes run in all pods under `npm run dev`. The first change is not counted. */
async function liveChanges(copy: string): Promise<Amount> {
    const live = await LiveStack.start(copy, machineStack, "sms");
    try {
        const seconds: number[] = [];
        for (let round = 0; round <= 9; round++) {
            seconds.push(await live.change());
        }
        return amount(spread(seconds.slice(1)));
    } finally {
        await live.stop();
    }
}

/** The steps of a simple deploy script. */
async function byHand(app: string): Promise<Contender> {
    const deployments = (await kubectl("--namespace", "sms", "get", "deployments", "-o", "name")).split("\n").filter((name) => name !== "");
    // Use its path instead of PATH: its folder also contains the node's programs, and one of them is called node.
    const own = join(await built("kubernetes"), "kubectl");
    const script = `
        set -e
        image=${registryAddress()}/bench/by-hand:$(date +%s%N)
        docker build --quiet --build-arg BASE_IMAGE=${baseImage("python:3.11")} --tag $image .
        docker push --quiet $image
        ${own} --namespace sms set image ${deployments.join(" ")} '*='$image
        for deployment in ${deployments.join(" ")}; do ${own} --namespace sms rollout status $deployment --timeout 300s; done
    `;
    return {
        command: ["sh", "-c", script],
        cwd: app,
        env: { ...(await machineDocker()).env, KUBECONFIG: kubeconfig },
    };
}

/** The duration of each resource, from the engine's output. */
function partsIn(output: string): Part[] {
    return [
        ...output.matchAll(/^ *[~+-]+ +\S+ (\S+) (?:updated|created|replaced|create replacement|deleted)\S*(?: replacement)? \((\d+)s\)/gm),
    ].map(([, what, seconds]) => ({ what: `this project: ${what}`, value: Number(seconds), unit: "s" }));
}
