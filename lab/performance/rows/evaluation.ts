import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import { built, type Module } from "../../../toolchain/goModules";
import { clone } from "../../../toolchain/places";
import { type Contender, type Measured, sideBySide } from "../measure";
import { peer } from "../peers";
import { amount, type Part, type Row } from "../row";

export const evaluation: Row = {
    name: "evaluation",
    title: "Evaluation of the program on mocks",
    peer: "the same manifests by `helm template` and by cdk8s",
    onMachine: false,
    measure: async () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-bench-"));
        try {
            return await evaluate(folder);
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    },
};

async function evaluate(folder: string) {
    const manifests = join(folder, "manifests.json");
    const program: Contender = { command: ["node", "-r", "./register.cjs", "lab/performance/evaluate.ts"], cwd: clone };
    await execa("node", [...program.command.slice(1), manifests], { cwd: clone });
    const cdk8s = await peer("cdk8s");
    await execa(join(cdk8s, "node_modules", ".bin", "tsc"), ["--outDir", "dist"], { cwd: cdk8s });
    const env = { MANIFESTS: manifests, CDK8S_OUTDIR: join(folder, "dist") };
    const took = await sideBySide(
        {
            program,
            helm: await helmTemplate(folder, manifests),
            cdk8s: { command: ["node", "dist/main.js"], cwd: cdk8s, env },
            synth: { command: ["node_modules/.bin/cdk8s", "synth", "--stdout"], cwd: cdk8s, env },
        },
        { rounds: 7, warmUps: 1 },
    );
    const beside = (other: Measured, key: "wallSeconds" | "cpuSeconds") => ({
        unit: "s",
        ours: amount(took.program[key]),
        peer: amount(other[key]),
    });
    const faster = took.helm.wallSeconds.median < took.cdk8s.wallSeconds.median ? "helm" : "cdk8s";
    return {
        figures: [
            {
                what: `evaluation, compared with the faster alternative (${faster}): wall time`,
                ...beside(took[faster], "wallSeconds"),
                goal: { atMost: 1 },
            },
            { what: "evaluation, compared with `helm template`: wall time", ...beside(took.helm, "wallSeconds") },
            { what: "evaluation, compared with precompiled cdk8s: wall time", ...beside(took.cdk8s, "wallSeconds") },
            { what: "evaluation, compared with `cdk8s synth` of cdk8s' project template: wall time", ...beside(took.synth, "wallSeconds") },
            { what: "evaluation, compared with `helm template`: CPU time", ...beside(took.helm, "cpuSeconds") },
            { what: "evaluation, compared with precompiled cdk8s: CPU time", ...beside(took.cdk8s, "cpuSeconds") },
            { what: "evaluation, compared with `cdk8s synth` of cdk8s' project template: CPU time", ...beside(took.synth, "cpuSeconds") },
        ],
        parts: await partsOf(program),
        remarks: [
            "The stack is `local`, with all its resources in the cluster, including the stores. The alternatives do less work. They print finished manifests: they check no settings, compose nothing and track no secrets.",
            "Loading the SDK alone takes longer than `helm template`. This limits every Pulumi program on Node.",
        ],
    };
}

/** Writes the manifests as a Helm chart, with the number of replicas as a value. */
async function helmTemplate(folder: string, manifests: string): Promise<Contender> {
    const chart = join(folder, "chart");
    mkdirSync(join(chart, "templates"), { recursive: true });
    writeFileSync(join(chart, "Chart.yaml"), stringify({ apiVersion: "v2", name: "sms", version: "1.0.0" }));
    for (const [index, manifest] of (JSON.parse(readFileSync(manifests, "utf8")) as object[]).entries()) {
        const text = stringify(manifest)
            .replaceAll("{{", '{{ "{{" }}')
            .replaceAll(/^( *)replicas: (\d+)$/gm, "$1replicas: {{ .Values.replicas }}");
        writeFileSync(join(chart, "templates", `${index}.yaml`), text);
    }
    writeFileSync(join(chart, "values.yaml"), stringify({ replicas: 2 }));
    return { command: [join(await built("helm" as Module), "helm"), "template", "sms", chart], cwd: folder };
}

/** The parts of the evaluation, from the program's own output. This is the run with the median total of five. */
async function partsOf({ command: [node, ...args], cwd }: Contender): Promise<Part[]> {
    const runs: { what: string; seconds: number }[][] = [];
    for (let round = 0; round < 5; round++) {
        const { stdout } = await execa(node, args, { cwd });
        runs.push(JSON.parse(stdout.split("\n").at(-1) as string));
    }
    const total = (parts: { seconds: number }[]) => parts.reduce((sum, { seconds }) => sum + seconds, 0);
    runs.sort((a, b) => total(a) - total(b));
    return (runs[2] as { what: string; seconds: number }[]).map(({ what, seconds }) => ({ what, value: seconds, unit: "s" }));
}
