import { rmSync } from "node:fs";
import { join } from "node:path";
import { built } from "../../../toolchain/goModules";
import { kubeconfig } from "../../../toolchain/places";
import { kubectl, machineDocker } from "../../machine/kubernetes";
import { baseImage, registryAddress } from "../../machine/registry";
import { changeCode, copyOfClone } from "../app";
import { type Contender, npmRun, run, sideBySide } from "../measure";
import { amount, type Part, type Row } from "../row";

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
                ],
                parts: partsIn(output),
                remarks: [
                    "Both wait for the same rollout, which takes most of the time. But the two do different work. Before any rollout, this project checks the cluster's free capacity. A Job also checks that the stores answer and that the database is up to date. The commands by hand check nothing.",
                    "The Job takes five seconds, three of them for its pod. Kubernetes waits a second for further changes of pods before it handles them, and a Job needs that twice. Pulumi's engine adds the time of a no-op `up`.",
                ],
            };
        } finally {
            rmSync(copy, { recursive: true, force: true });
        }
    },
};

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
