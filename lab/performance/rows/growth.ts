import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { built } from "../../../toolchain/goModules";
import { clone, kubeconfig } from "../../../toolchain/places";
import { emptyFakeNamespace, withFakeNodes } from "../../machine/fakeNodes";
import { prepared } from "../../machine/prepare";
import { type Contender, type Run, run } from "../measure";
import { peer } from "../peers";
import type { Figure, Part, Row } from "../row";
import { partsOf as byProcess } from "./preview";

/** The interval for measuring the single processes. It is long enough for runs of a minute and more. */
const secondsBetweenLooks = 0.5;
const counts = [1, 10, 100, 1000] as const;
type Count = (typeof counts)[number];

export const growth: Row = {
    name: "growth",
    title: "Growth from 1 to 1,000 workloads",
    peer: "cdk8s and `kubectl apply`",
    onMachine: true,
    measure: async () => {
        // Always the same folder, so that the next run removes the files of a killed one.
        const folder = join(tmpdir(), "sms-bench-growth");
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        try {
            return await measure(folder);
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    },
};

/** The operations that are measured for each number of workloads. */
const stages = ["evaluation", "preview", "up"] as const;
type Stage = (typeof stages)[number];
type Side = "ours" | "theirs";
const names: Record<Side, string> = { ours: "this project", theirs: "cdk8s and kubectl" };
/** Each side has its own namespace, so that neither waits until the other's thousand pods are deleted. */
const namespaces = { ours: "sms-bench-growth-ours", theirs: "sms-bench-growth-theirs" } as const;
/** The runs of each side, by operation and number of workloads. */
type Took = Record<Stage, Record<Count, Record<Side, Run>>>;

async function measure(folder: string) {
    const manifests = join(folder, "manifests.json");
    await run(evaluate(1, namespaces.theirs, manifests));
    const ours = await pulumi(folder);
    const theirs = await cdk8s(folder, manifests);
    const both = async (stage: Stage, count: Count) => ({
        ours: await run(ours(stage, count), secondsBetweenLooks),
        theirs: await run(theirs(stage, count)),
    });
    const took: Took = { evaluation: {}, preview: {}, up: {} } as Took;
    for (const count of counts) {
        took.evaluation[count] = await both("evaluation", count);
    }
    const floor = await run({
        command: ["node", "-r", "./register.cjs", "lab/performance/growth/floor.ts", "1000", manifests],
        cwd: clone,
    });
    let checkpoints: Run | undefined;
    await withFakeNodes(3, async () => {
        await emptyFakeNamespace(namespaces.ours);
        await emptyFakeNamespace(namespaces.theirs);
        for (const count of counts) {
            took.preview[count] = await both("preview", count);
        }
        const up = async (side: Side, contender: Contender) => {
            await emptyFakeNamespace(namespaces[side]);
            return run(contender, secondsBetweenLooks);
        };
        checkpoints = await up("ours", ours("up", 100, { PULUMI_SKIP_CHECKPOINTS: "false" }));
        for (const count of counts) {
            const first = await up("theirs", theirs("up", count));
            took.up[count] = { ours: await up("ours", ours("up", count)), theirs: first };
        }
    });
    return {
        figures: [...stages.flatMap((stage) => figuresOf(stage, took[stage])), aloneOf(took.evaluation[1000].ours, floor)],
        parts: [
            ...stages.flatMap((stage) => partsOf(stage, took[stage])),
            ...partsOfCheckpoints(took.up[100].ours, checkpoints as Run),
            ...(["preview", "up"] as const).flatMap((stage) =>
                byProcess(`${stage}, ${workloads(1000)}, this project`, took[stage][1000].ours),
            ),
        ],
        remarks: [
            "A workload is a pool of workers: a Deployment with one pod, and a PodDisruptionBudget. For the engine, it is one component and two resources. kwok simulates the nodes. Each number of workloads is measured once.",
            "Growth is linear if 1,000 workloads take as much time per workload as 100. The rows with the time per workload compare a tool with itself: the value is for 1,000 workloads, and the comparison is for 100.",
            "The sides do different work: cdk8s gets finished manifests and composes nothing. Its evaluation runs no kubectl. Its preview is `kubectl apply --dry-run=server`; this project's preview also requests a dry run from the API server. The SDK alone registers the same finished manifests.",
            "This project's `up` ends when all pods are ready. The `up` of cdk8s and kubectl ends when all Deployments are available, which a loop checks each second. This project runs second, while the objects of cdk8s and kubectl still exist.",
            "This project takes longer because of its own CPU time. The engine, the provider and Node share the two cores with the API server and kwok, which do the same work for both sides.",
            "`up` runs with PULUMI_SKIP_CHECKPOINTS. Without this variable, and with a state in a bucket or a folder, the engine writes the whole state before and after each step. The time for this grows with the square of the number of workloads. The table has its cost for 100 workloads.",
        ],
    };
}

function evaluate(count: number, namespace: string, ...more: string[]): Contender {
    return { command: ["node", "-r", "./register.cjs", "lab/performance/growth/evaluate.ts", `${count}`, namespace, ...more], cwd: clone };
}

type Command = (stage: Stage, count: Count, env?: Record<string, string>) => Contender;

/** Pulumi with its own backend, and a new stack for each run. The objects are deleted with their namespace. */
async function pulumi(folder: string): Promise<Command> {
    const { command, env } = await prepared();
    const project = join(folder, "project");
    const backend = join(folder, "state");
    const file = join(folder, "Pulumi.growth.yaml");
    const engine = { ...env, PULUMI_BACKEND_URL: `file://${backend}`, PULUMI_SKIP_CHECKPOINTS: "true" };
    mkdirSync(project);
    writeFileSync(join(project, "Pulumi.yaml"), "name: growth\nruntime: nodejs\n");
    const begin = async () => {
        rmSync(backend, { recursive: true, force: true });
        mkdirSync(backend);
        await execa(command, ["stack", "init", "growth", "--non-interactive"], { env: engine, cwd: project });
        renameSync(join(project, "Pulumi.growth.yaml"), file);
    };
    const options = ["--stack", "growth", "--config-file", file, "--non-interactive", "--suppress-progress"];
    const verbs = { preview: ["preview"], up: ["up", "--yes", "--skip-preview"] };
    return (stage, count, more) =>
        stage === "evaluation"
            ? evaluate(count, namespaces.ours)
            : {
                  command: [command, ...verbs[stage], ...options],
                  cwd: join(clone, "lab", "performance", "growth"),
                  env: { ...engine, WORKLOADS: `${count}`, NAMESPACE: namespaces.ours, ...more },
                  before: begin,
              };
}

async function cdk8s(folder: string, manifests: string): Promise<Command> {
    const cwd = await peer("cdk8s");
    await execa(join(cwd, "node_modules", ".bin", "tsc"), ["--outDir", "dist"], { cwd });
    const written = join(folder, "dist");
    const kubectl = join(await built("kubernetes"), "kubectl");
    const apply = `${kubectl} apply --filename ${written} > /dev/null`;
    const available = `${kubectl} --namespace ${namespaces.theirs} get deployments --output jsonpath='{range .items[?(@.status.availableReplicas==1)]}x{end}'`;
    // `kubectl wait` would make separate requests for each Deployment, one after the other.
    const ready = `until [ $(${available} | wc -c) = $WORKLOADS ]; do sleep 1; done`;
    const after = { evaluation: ":", preview: `${apply} --dry-run=server`, up: `${apply}; ${ready}` };
    return (stage, count) => ({
        command: ["timeout", "900", "sh", "-ec", `node dist/growth.js; ${after[stage]}`],
        cwd,
        env: { MANIFESTS: manifests, WORKLOADS: `${count}`, CDK8S_OUTDIR: written, KUBECONFIG: kubeconfig },
    });
}

const workloads = (count: Count) => (count === 1 ? "1 workload" : `${count.toLocaleString("en")} workloads`);

function figuresOf(stage: Stage, { 100: hundred, 1000: thousand }: Took[Stage]): Figure[] {
    const at1000 = (what: string, unit: string, key: "wallSeconds" | "cpuSeconds" | "memoryMiB") => ({
        what: `${stage}, ${workloads(1000)}: ${what}`,
        unit,
        ours: { value: thousand.ours[key] },
        peer: { value: thousand.theirs[key] },
    });
    const aWorkload = (side: Side): Figure => ({
        what: `${stage}, time per workload of ${names[side]}: 1,000 workloads compared with 100`,
        comparedWith: `${names[side]} with 100 workloads`,
        unit: "s",
        ours: { value: thousand[side].wallSeconds / 1000 },
        peer: { value: hundred[side].wallSeconds / 100 },
        ...(side === "ours" ? { goal: { atMost: 1.15 } } : {}),
    });
    return [
        { ...at1000("wall time", "s", "wallSeconds"), goal: { atMost: 1 } },
        at1000("CPU time of the commands", "s", "cpuSeconds"),
        at1000("memory of the largest process", "MiB", "memoryMiB"),
        aWorkload("ours"),
        aWorkload("theirs"),
    ];
}

function aloneOf(whole: Run, floor: Run): Figure {
    return {
        what: `evaluation, ${workloads(1000)}, compared with the SDK alone: wall time`,
        unit: "s",
        ours: { value: whole.wallSeconds },
        peer: { value: floor.wallSeconds },
    };
}

function partsOf(stage: Stage, took: Took[Stage]): Part[] {
    return counts.flatMap((count) =>
        (["ours", "theirs"] as const).map((side) => ({
            what: `${stage}, ${workloads(count)}: ${names[side]}`,
            value: took[count][side].wallSeconds,
            unit: "s",
        })),
    );
}

function partsOfCheckpoints(skipped: Run, written: Run): Part[] {
    return [
        { what: `up, ${workloads(100)}: this project with a checkpoint at each step`, value: written.wallSeconds, unit: "s" },
        {
            what: `up, ${workloads(100)}: additional CPU time of the checkpoints`,
            value: written.cpuSeconds - skipped.cpuSeconds,
            unit: "s of CPU",
        },
    ];
}
