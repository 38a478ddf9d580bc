import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { built } from "../../../toolchain/goModules";
import { clone, kubeconfig } from "../../../toolchain/places";
import { type Contender, npmRun, run, sideBySide } from "../measure";
import { amount, type Row } from "../row";
import { processesOf } from "./preview";

export const noChange: Row = {
    name: "noChange",
    title: "No-op `up`",
    peer: "`kubectl diff` of the same objects",
    onMachine: true,
    measure: async () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-bench-"));
        try {
            await run(npmRun("up", clone));
            const up = npmRun("pulumi", clone, "up", "--yes", "--skip-preview", "--non-interactive");
            const diff = await kubectlDiff(folder);
            const took = await sideBySide({ up, whole: npmRun("up", clone), diff }, { rounds: 5, warmUps: 1 });
            const beside = (ours: typeof took.up, key: "wallSeconds" | "cpuSeconds") => ({
                unit: "s",
                ours: amount(ours[key]),
                peer: amount(took.diff[key]),
            });
            return {
                figures: [
                    { what: "no-op `up`: wall time", ...beside(took.up, "wallSeconds"), goal: { atMost: 3 } },
                    { what: "no-op `up`: CPU time", ...beside(took.up, "cpuSeconds") },
                    {
                        what: "no-op `npm run up` (also checks the machine and the product's readiness): wall time",
                        ...beside(took.whole, "wallSeconds"),
                    },
                ],
                parts: await processesOf("this project", up),
                remarks: [
                    "The two do different work: `kubectl diff` runs no program and reads no state. It requests a dry run of each object from the API server.",
                ],
            };
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    },
};

interface State {
    deployment: { resources: { type: string; inputs: { apiVersion?: string; kind?: string; metadata?: { name?: string } } }[] };
}

/** Compares the objects of the program's last run. The file contains their secrets, so it is in a temporary folder. */
async function kubectlDiff(folder: string): Promise<Contender> {
    const { command } = npmRun("pulumi", clone, "stack", "export", "--show-secrets");
    const { stdout } = await execa(command[0], command.slice(1), { cwd: clone });
    // The machine may print a line about its stand-ins of plugins before the JSON.
    const { deployment } = JSON.parse(stdout.slice(stdout.indexOf("{\n"))) as State;
    const objects = deployment.resources.filter(({ type }) => /^kubernetes:[^:]+:[A-Z]/.test(type)).map(({ inputs }) => plain(inputs));
    const file = join(folder, "objects.json");
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }), { mode: 0o600 });
    // Exit code 1 means that objects differ.
    const kubectl = `${join(await built("kubernetes"), "kubectl")} diff --namespace sms --filename ${file}`;
    return { command: ["sh", "-c", `${kubectl} > /dev/null || test $? = 1`], cwd: folder, env: { KUBECONFIG: kubeconfig } };
}

/** Removes the engine's wrappers of secrets and assets, and its own annotations. */
function plain(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(plain);
    }
    if (typeof value !== "object" || value === null) {
        return value;
    }
    if ("plaintext" in value && typeof value.plaintext === "string") {
        return JSON.parse(value.plaintext);
    }
    return Object.fromEntries(
        Object.entries(value)
            .filter(([key]) => !key.startsWith("__"))
            .map(([key, inner]) => [key, plain(inner)]),
    );
}
