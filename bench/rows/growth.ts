import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { withFakeNodes } from "../../machine/fakeNodes";
import { kubectl } from "../../machine/kubernetes";
import { kubeconfig } from "../../machine/places";
import { prepared } from "../../machine/prepare";
import { built } from "../../machine/toolchain";
import { clone } from "../../operations/operation";
import { namespace } from "../growth/workloads";
import { type Contender, type Run, run } from "../measure";
import { peer } from "../peers";
import type { Figure, Part, Row } from "../row";

const counts = [1, 10, 100, 1000];
const most = 1000;

export const growth: Row = {
    name: "growth",
    title: "Growth: 1, 10, 100 and 1,000 workloads, on nodes that kwok plays",
    peer: "cdk8s and `kubectl apply`",
    onMachine: true,
    measure: async () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-bench-"));
        try {
            return await withFakeNodes(2, () => measure(folder));
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    },
};

/** What there is to do with so many workloads, each way. */
const stages = ["evaluation", "preview", "up"] as const;
type Stage = (typeof stages)[number];
type Commands = Record<Stage, Contender>;

async function measure(folder: string) {
    const manifests = join(folder, "manifests.json");
    const evaluation = (...args: string[]): Contender => ({
        command: ["node", "-r", "./register.cjs", "bench/growth/evaluate.ts", ...args],
        cwd: clone,
    });
    await run(evaluation("1", manifests));
    const cdk8s = await peer("cdk8s");
    await execa(join(cdk8s, "node_modules", ".bin", "tsc"), ["--outDir", "dist"], { cwd: cdk8s });
    const pulumi = await pulumiIn(folder);
    const kubectlCommand = join(await built("kubernetes"), "kubectl");
    const ours = (count: number): Commands => {
        const env = { ...pulumi.env, WORKLOADS: String(count) };
        const engine = (...args: string[]): Contender => ({
            command: [
                pulumi.command,
                ...args,
                "--stack",
                "growth",
                "--config-file",
                pulumi.file,
                "--non-interactive",
                "--suppress-progress",
            ],
            cwd: join(clone, "bench", "growth"),
            env,
        });
        return { evaluation: evaluation(String(count)), preview: engine("preview"), up: engine("up", "--yes", "--skip-preview") };
    };
    const theirs = (count: number): Commands => {
        const shell = (script: string): Contender => ({
            command: ["sh", "-ec", script],
            cwd: cdk8s,
            env: { MANIFESTS: manifests, WORKLOADS: String(count), CDK8S_OUTDIR: join(folder, "dist"), KUBECONFIG: kubeconfig },
        });
        const synth = "node dist/growth.js";
        const apply = `${kubectlCommand} apply --filename ${join(folder, "dist")} > /dev/null`;
        return {
            evaluation: shell(synth),
            preview: shell(`${synth}; ${apply} --dry-run=server`),
            up: shell(
                `${synth}; ${apply}; ${kubectlCommand} --namespace ${namespace} wait deployment --all --for=condition=Available --timeout=600s > /dev/null`,
            ),
        };
    };
    const took = new Map<string, { ours: Run; theirs: Run }>();
    for (const count of counts) {
        const both = { ours: ours(count), theirs: theirs(count) };
        for (const stage of stages) {
            const runs: Partial<Record<"ours" | "theirs", Run>> = {};
            for (const side of ["ours", "theirs"] as const) {
                if (stage !== "evaluation") {
                    await emptyNamespace();
                }
                runs[side] = await run(both[side][stage]);
                if (stage === "up" && side === "ours") {
                    await forget(pulumi);
                }
            }
            took.set(`${stage} ${count}`, runs as { ours: Run; theirs: Run });
        }
    }
    await kubectl("delete", "namespace", namespace, "--ignore-not-found");
    const of = (stage: Stage, count: number) => took.get(`${stage} ${count}`) as { ours: Run; theirs: Run };
    const figures = stages.flatMap((stage): Figure[] => [
        {
            what: `${stage} of 1,000: wall`,
            unit: "s",
            ours: { value: of(stage, most).ours.wallSeconds },
            peer: { value: of(stage, most).theirs.wallSeconds },
            goal: { atMost: 1 },
        },
        {
            what: `${stage} of 1,000: CPU of the commands`,
            unit: "s",
            ours: { value: of(stage, most).ours.cpuSeconds },
            peer: { value: of(stage, most).theirs.cpuSeconds },
        },
        {
            what: `${stage} of 1,000: memory of the largest process`,
            unit: "MiB",
            ours: { value: of(stage, most).ours.memoryMiB },
            peer: { value: of(stage, most).theirs.memoryMiB },
        },
        {
            what: `${stage}: ours of 1,000 beside ten times ours of 100 (linear: 1×)`,
            unit: "s",
            ours: { value: of(stage, most).ours.wallSeconds },
            peer: { value: 10 * of(stage, 100).ours.wallSeconds },
            goal: { atMost: 1.15 },
        },
    ]);
    const parts = stages.flatMap((stage) =>
        counts.flatMap((count): Part[] => [
            { what: `${stage} of ${count}: ours`, value: of(stage, count).ours.wallSeconds, unit: "s" },
            { what: `${stage} of ${count}: theirs`, value: of(stage, count).theirs.wallSeconds, unit: "s" },
        ]),
    );
    return {
        figures,
        parts,
        remarks: [
            "A workload is a pool of workers: a Deployment of one pod, and its PodDisruptionBudget. Once each; `up` ends when all pods are ready, on their side by `kubectl wait`.",
            "Their preview is `kubectl apply --dry-run=server`.",
        ],
    };
}

interface Growing {
    readonly command: string;
    readonly env: Record<string, string>;
    readonly file: string;
    readonly project: string;
}

/** A stack of its own, in a backend of its own. */
async function pulumiIn(folder: string): Promise<Growing> {
    const { command, env } = await prepared();
    const project = join(folder, "project");
    mkdirSync(join(folder, "state"));
    mkdirSync(project);
    writeFileSync(join(project, "Pulumi.yaml"), "name: growth\nruntime: nodejs\n");
    const growing = {
        command,
        env: { ...env, PULUMI_BACKEND_URL: `file://${join(folder, "state")}` },
        file: join(folder, "Pulumi.growth.yaml"),
        project,
    };
    await init(growing);
    return growing;
}

async function init({ command, env, file, project }: Growing): Promise<void> {
    await execa(command, ["stack", "init", "growth", "--non-interactive"], { env, cwd: project });
    renameSync(join(project, "Pulumi.growth.yaml"), file);
}

/** The next `up` begins with nothing; the objects go with their namespace. */
async function forget(growing: Growing): Promise<void> {
    const { command, env, project } = growing;
    await execa(command, ["stack", "rm", "growth", "--yes", "--force", "--non-interactive"], { env, cwd: project });
    await init(growing);
}

async function emptyNamespace(): Promise<void> {
    await kubectl("delete", "namespace", namespace, "--ignore-not-found");
    await kubectl("create", "namespace", namespace);
}
