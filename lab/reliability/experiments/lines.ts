import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { gone, namespace, prepare, ready, Sls, writer } from "../../fixtures/writers";
import { apply, kubectl } from "../../machine/kubernetes";
import { pause } from "../cluster";
import type { Experiment, Form, Side, Stage, Trial } from "../experiment";

const pods: Record<Form, { ours: number; others: number }> = { full: { ours: 12, others: 4 }, short: { ours: 2, others: 2 } };

interface Written {
    n: number;
    written: number;
}

async function trial(_stage: Stage, side: Side, form: Form): Promise<Trial> {
    const names = Array.from({ length: side.kind === "ours" ? pods[form].ours : pods[form].others }, (_, i) => `${side.kind}-${i}`);
    const without = { ours: "nothing", without: "log-drain", origin: "sidecars" } as const;
    const sls = new Sls();
    try {
        await prepare(sls);
        await apply(...(await Promise.all(names.map((name) => writer(name, without[side.kind])))));
        const running = (await Promise.all(names.map(ready))).flat().map(({ metadata }) => metadata.name);
        const standardOutputs = running.map((pod) => new StandardOutput(pod));
        // One after the other: a busy kubelet would give a collector more time than a pod normally has.
        for (const name of names) {
            await kubectl("--namespace", namespace, "delete", "deployment", name);
            await pause(1.5);
        }
        await Promise.all(names.map(gone));
        const found = running.map((pod, i) =>
            missingOf(standardOutputs[i] as StandardOutput, new Set(sls.linesOf(pod).map(({ fields }) => fields.n))),
        );
        const sum = (of: (one: (typeof found)[number]) => number) => found.reduce((total, one) => total + of(one), 0);
        const group = "pods that write 200 lines a second and end";
        return {
            counts: [
                { group, what: "pods", value: running.length },
                { group, what: "lines they wrote", value: sum(({ lines }) => lines) },
                { group, what: "missing at the logstore", value: sum(({ missing }) => missing), goal: 0 },
                { group, what: "lines of the last second of each", value: sum(({ lastLines }) => lastLines) },
                { group, what: "of these missing", value: sum(({ lastMissing }) => lastMissing), goal: 0 },
            ],
        };
    } finally {
        await kubectl("delete", "namespace", namespace, "--ignore-not-found");
        await sls.stop();
        sls.remove();
    }
}

/** A container's standard output, read from the node's file. An open file can be read even after the pod is deleted. */
class StandardOutput {
    private readonly file: number;

    constructor(pod: string) {
        const folder = "/var/log/pods";
        const ofPod = readdirSync(folder).find((name) => name.startsWith(`${namespace}_${pod}_`)) as string;
        const container = readdirSync(join(folder, ofPod)).find((name) => !name.startsWith("log-")) as string;
        this.file = openSync(join(folder, ofPod, container, "0.log"), "r");
    }

    lines(): Written[] {
        const content = Buffer.alloc(fstatSync(this.file).size);
        readSync(this.file, content);
        closeSync(this.file);
        // `TIME stdout F LINE`
        const written = content.toString("utf8").match(/(?<= stdout F )\{.*\}$/gm) ?? [];
        return written.map((line) => JSON.parse(line) as Written);
    }
}

function missingOf(output: StandardOutput, arrived: ReadonlySet<number>) {
    const lines = output.lines();
    const end = lines.at(-1)?.written ?? 0;
    const last = lines.filter(({ written }) => written > end - 1);
    const missing = (of: Written[]) => of.filter(({ n }) => !arrived.has(n)).length;
    return { lines: lines.length, missing: missing(lines), lastLines: last.length, lastMissing: missing(last) };
}

export const lines: Experiment = {
    name: "lines",
    title: "The last log lines of a pod",
    method: "Pods with the product's own template, but a writer in the place of the app, write 200 lines a second to /var/log/sms, rotate, and write on until they are ended. What they wrote is read from the node, what arrived from the end that stands in for Simple Log Service.",
    protections: { "log-drain": "the second sidecar, which gives the collector time to read to the end, is left out" },
    origin: "its emptyDir for logs; the process that takes them away in time is not in it",
    trial,
};
