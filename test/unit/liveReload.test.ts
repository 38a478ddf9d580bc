import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { liveReload } from "../../components/liveReload";
import { digest, types } from "../../lab/fixtures/deployed";
import { runProgram } from "../../lab/fixtures/program";
import { localSecrets, stackFile } from "../../lab/fixtures/stackFile";
import { until } from "../../toolchain/progress";
import { problemsOf } from "./smallest";

const command = ["python", "-m", "sms.serve"];
const resources = { requests: { cpu: "0.1", memory: "200Mi" }, limits: { cpu: "1", memory: "800Mi" } };
const { command: wrapped, initContainer } = liveReload(command, { image: "sms:1", resources });

describe("live reload", () => {
    const specs = async (setting: object) => {
        const { deployed } = await runProgram("local", { ...stackFile("local"), ...setting }, localSecrets);
        const all = [types.deployment, types.job].flatMap((type) => deployed.resources.filter((resource) => resource.type === type));
        return new Map(all.map(({ name, inputs }) => [name, inputs.spec.template.spec]));
    };

    it("gives web, worker and beat their own copy of the code, and nothing else of the product", async () => {
        const image = await specs({});
        const live = await specs({ liveReload: "true" });
        assert.deepEqual([...live.keys()].sort(), ["beat-deployment", "preparation-job", "web-deployment", "worker-deployment"]);
        assert.deepEqual(live.get("preparation-job"), image.get("preparation-job"));
        for (const name of ["web-deployment", "worker-deployment", "beat-deployment"]) {
            const [before, after] = [image.get(name), live.get(name)];
            const [container] = after.containers;
            const [original] = before.containers;
            assert.deepEqual(after, {
                ...before,
                initContainers: [
                    {
                        name: "copy-code",
                        image: original.image,
                        command: initContainer.command,
                        resources: original.resources,
                        securityContext: original.securityContext,
                        terminationMessagePolicy: original.terminationMessagePolicy,
                        volumeMounts: [{ name: "code", mountPath: "/live-code" }],
                    },
                ],
                containers: [
                    {
                        ...original,
                        args: [...wrapped.slice(0, -command.length), ...original.args],
                        volumeMounts: [...original.volumeMounts, { name: "code", mountPath: "/code" }],
                    },
                ],
                volumes: [...before.volumes, { name: "code", emptyDir: { sizeLimit: "64Mi" } }],
            });
            assert.equal(container.workingDir, "/code");
        }
    });

    const remove = "pulumi config rm sms:liveReload --stack online";

    it("is refused in production", () => {
        const allowed = "left out or false in production: its pods run the code of their image";
        assert.deepEqual(problemsOf({ liveReload: true }), [`sms:liveReload is true; allowed: ${allowed} | ${remove}`]);
        assert.deepEqual(problemsOf({ liveReload: false }), []);
    });

    it("is refused with an image that somebody else has built, whose code is not in app/", () => {
        const image = { kind: "given", reference: `registry.example.com/shop:1@${digest}` };
        const allowed = "left out or false with an image that somebody else has built";
        assert.deepEqual(problemsOf({ environment: "test", image, liveReload: true }), [
            `sms:liveReload is true; allowed: ${allowed} | ${remove}`,
        ]);
    });

    describe("the restarter", () => {
        let folder: string;
        let output: string;
        let restarter: ReturnType<typeof start>;

        /** Each start prints `started` and the content of the file `code`, and each SIGTERM `ended`. */
        function start() {
            const body = `cat code; [ -e broken ] && exit 1; trap 'echo ended; exit 0' TERM; echo started; while :; do sleep 0.05; done`;
            const child = execa("sh", [...wrapped.slice(1, -command.length), "sh", "-c", body], {
                cwd: folder,
                all: true,
                reject: false,
                detached: true,
            });
            child.all.on("data", (data: Buffer) => {
                output += data;
            });
            return child;
        }

        function killGroup(leader: number) {
            try {
                process.kill(-leader, "SIGKILL");
            } catch {
                // All have ended.
            }
        }

        const prints = (expected: string) =>
            until(
                async () => output === expected,
                5,
                () => `it printed ${JSON.stringify(output)} and not ${JSON.stringify(expected)}`,
            );

        beforeEach(() => {
            folder = mkdtempSync(join(tmpdir(), "sms-restarter-"));
            output = "";
            writeFileSync(join(folder, "code"), "1 ");
        });

        afterEach(() => {
            killGroup(restarter.pid as number);
            rmSync(folder, { recursive: true, force: true });
        });

        it("ends the process at SIGHUP and starts it with the changed code", async () => {
            restarter = start();
            await prints("1 started\n");
            writeFileSync(join(folder, "code"), "2 ");
            restarter.kill("SIGHUP");
            await prints("1 started\nended\n2 started\n");
            restarter.kill("SIGHUP");
            await prints("1 started\nended\n2 started\nended\n2 started\n");
        });

        it("ends after the process at SIGTERM", async () => {
            restarter = start();
            await prints("1 started\n");
            restarter.kill("SIGTERM");
            assert.equal((await restarter).exitCode, 0);
            assert.equal(output, "1 started\nended\n");
        });

        const waits = "The process has ended. It starts again when its code changes.\n";

        it("waits for SIGHUP if the process ends by itself", async () => {
            writeFileSync(join(folder, "broken"), "");
            restarter = start();
            await prints(`1 ${waits}`);
            rmSync(join(folder, "broken"));
            restarter.kill("SIGHUP");
            await prints(`1 ${waits}1 started\n`);
        });

        it("ends at SIGTERM also while it waits", async () => {
            writeFileSync(join(folder, "broken"), "");
            restarter = start();
            await prints(`1 ${waits}`);
            restarter.kill("SIGTERM");
            assert.equal((await restarter).exitCode, 0);
        });
    });
});
