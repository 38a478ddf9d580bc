import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { metricsPort } from "../../components/app";
import { Beat } from "../../components/beat";
import { Preparation } from "../../components/preparation";
import { Web, port as webPort } from "../../components/web";
import { Worker } from "../../components/worker";
import { deploy, types } from "../../lab/fixtures/deployed";
import { queues } from "../../settings/queues";
import { programVariables, reliedOnVariables } from "../../settings/variables";
import { app, replicated, workload } from "./appArgs";

const contract = readFileSync("docs/adopting.md", "utf8");

/** The container of each process. */
async function containers() {
    const { deployed } = await deploy(() => {
        new Web("web", { ...replicated, nodePort: 31090, workers: 1, threads: 8, preStopSeconds: 10, gracefulTimeoutSeconds: 30 });
        new Worker("worker", { ...replicated, concurrency: 16, queues });
        new Beat("beat", workload);
        new Preparation("preparation", { app, timeoutSeconds: 120, rolloutTimeoutSeconds: 300 });
    });
    return deployed.resources
        .filter(({ type }) => type === types.deployment || type === types.job)
        .map(({ inputs }) => inputs.spec.template.spec.containers[0]);
}

const commandOf = ({ args }: { args: string[] }) => args.map((word) => (word.startsWith("sms:") ? "TEXT" : word)).join(" ");

describe("the contract for other products", () => {
    it("has the command of each process", async () => {
        const missing = (await containers()).map(commandOf).filter((command) => !contract.includes(`\`${command}\``));
        assert.deepEqual(missing, []);
    });

    it("has each file and path of a probe or a hook, and each port and folder", async () => {
        const text = JSON.stringify(await containers());
        const named = [...text.matchAll(/\/tmp\/[\w.]+|"path":"(\/\w+)"|"mountPath":"([^"]+)"/g)].map(
            ([whole, path, folder]) => path ?? folder ?? whole,
        );
        assert.deepEqual([...new Set(named)].sort(), [
            "/healthz",
            "/readyz",
            "/tmp",
            "/tmp/beat.heartbeat",
            "/tmp/draining",
            "/tmp/worker.heartbeat",
            "/var/log/sms",
        ]);
        for (const word of [...named, `| ${webPort} |`, `| ${metricsPort} |`]) {
            assert.ok(contract.includes(word), word);
        }
    });

    it("has each variable that a stack file can't set, and each queue", () => {
        const words = [...Object.keys(programVariables), ...Object.keys(reliedOnVariables), ...queues];
        assert.deepEqual(
            words.filter((word) => !contract.includes(`\`${word}\``)),
            [],
        );
    });

    it("links to existing files", () => {
        const links = [...contract.matchAll(/\]\(([^)#]+)\)/g)].map(([, link = ""]) => join("docs", link));
        assert.deepEqual(
            links.filter((link) => !existsSync(link)),
            [],
        );
        assert.ok(links.length > 10);
    });

    for (const folder of ["app", "test/adopting/app"]) {
        it(`is kept by ${folder}, for its modules`, async () => {
            const modules = (await containers()).map((container) => /\bsms\.(\w+)/.exec(commandOf(container))?.[1]);
            assert.deepEqual(
                modules.filter((module) => !existsSync(join(folder, "sms", `${module}.py`))),
                [],
            );
        });
    }

    it("is kept by an app that shares the layers of app/ below its code", () => {
        const instructions = (folder: string) =>
            readFileSync(join(folder, "Dockerfile"), "utf8")
                .replace(/^#.*\n/gm, "")
                .replace(/\\\n\s*/g, "")
                .split("\n")
                .filter((line) => line !== "");
        const theirs = instructions("test/adopting/app");
        const shared = theirs.slice(0, theirs.indexOf("COPY sms sms"));
        assert.ok(shared.length > 8);
        const ours = instructions("app");
        assert.deepEqual(
            shared.filter((line) => !ours.includes(line)),
            [],
        );
    });
});
