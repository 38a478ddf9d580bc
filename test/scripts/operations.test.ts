import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { contentTag } from "../../components/contentTag";
import { Copy } from "../engine/copy";

const redis = "alicloud:kvstore/instance:Instance";
const deployment = "kubernetes:apps/v1:Deployment";
const urn = (type: string, name: string) => `urn:pulumi:test::sms::sms:a:A$${type}::${name}`;
const provider = "urn:pulumi:test::sms::pulumi:providers:kubernetes::cluster";
const kubeconfig = "apiVersion: v1\nkind: Config\n";
const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

/** A stand-in of `pulumi` that records its calls. It prints a state, a lock and a preview from files in its folder. */
const pulumi = (folder: string) => `#!/bin/sh
cd '${folder}'
echo "$*" >> notes
case "$*" in
    "stack ls --json"*) cat list.json ;;
    "stack export"*) cat state.json ;;
    whoami*) cat whoami.json ;;
    "config --json"*) cat config.json ;;
    "config get sms:registryPassword"*) echo pw ;;
    "refresh --preview-only"*)
        if [ -e lock ]; then cat lock; else echo 'error: no resource urn:pulumi:nothing::sms::sms:nothing::nothing'; fi >&2
        exit 255 ;;
    "cancel --yes"*) rm lock ;;
    preview*)
        while [ $# -gt 0 ]; do
            [ "$1" != --event-log ] || cp events "$2"
            [ "$1" != --save-plan ] || echo '{}' > "$2"
            shift
        done ;;
    up*) [ ! -e broken ] || exit 5 ;;
esac`;

/** A stand-in of `kubectl` that records its calls and its kubeconfig. */
const kubectl = (folder: string) => `#!/bin/sh
echo "$*" >> '${folder}/asked'
while [ $# -gt 0 ]; do [ "$1" != --kubeconfig ] || cp "$2" '${folder}/given'; shift; done
[ ! -e '${folder}/unreachable' ] || { echo 'Unable to connect to the server: no such host' >&2; exit 1; }
cat '${folder}/replicasets.json'`;

/** Notes how it is called, and as whom it asks the registry; has pushed an image of the digest 9…. */
const docker = (folder: string) => `#!/bin/sh
echo "docker $*" >> '${folder}/released'
cp "$DOCKER_CONFIG/config.json" '${folder}/given'
while [ $# -gt 0 ]; do [ "$1" != --metadata-file ] || echo '{"containerimage.digest": "${digest("9")}"}' > "$2"; shift; done`;

/** Notes how it is called; an image has a signature if a file says so. */
const cosign = (folder: string) => `#!/bin/sh
echo "cosign $*" >> '${folder}/released'
[ "$1" = sign ] || { [ ! -e '${folder}/signed' ] || echo '{}'; }`;

/** Notes what it scans; finds what lies beside it for that digest. */
const grype = (folder: string) => `#!/bin/sh
echo "grype $1" >> '${folder}/released'
digit=\${1##*@sha256:}
file='${folder}'/faults-\${digit%\${digit#?}}.json
[ -e "$file" ] || { echo 'no such image' >&2; exit 1; }
cat "$file"`;

describe("on a stack, with a stand-in of pulumi that records its calls:", () => {
    let copy: Copy;
    let env: Record<string, string>;
    const file = (name: string) => join(copy.folder, "bin", name);
    const put = (name: string, content: string | object) =>
        writeFileSync(file(name), typeof content === "string" ? content : JSON.stringify(content));
    const notes = (name = "notes") => (existsSync(file(name)) ? readFileSync(file(name), "utf8").trim().split("\n") : []);
    const changes = () => notes().filter((line) => !/^(stack (ls|export)|config get|refresh --preview-only|preview)/.test(line));

    before(() => {
        copy = Copy.make();
        mkdirSync(file(""));
        for (const [name, script] of Object.entries({ pulumi, kubectl, docker, cosign, grype })) {
            writeFileSync(file(name), script(file("")), { mode: 0o755 });
        }
        env = { PATH: `${file("")}:${process.env.PATH}` };
        copy.addStack("shop");
    });
    after(() => copy.remove());
    beforeEach(() => {
        for (const name of ["notes", "lock", "broken", "asked", "given", "unreachable", "released", "signed"]) {
            rmSync(file(name), { force: true });
        }
        put("list.json", [{ name: "shop" }]);
        put("state.json", { version: 3, deployment: { resources: [] } });
        put("events", "\n");
        for (const digit of ["1", "2", "7", "9"]) {
            put(`faults-${digit}.json`, { matches: [] });
        }
        put("whoami.json", { user: "ann", url: "https://app.pulumi.com/ann" });
    });

    /** Runs a script at a terminal and types `answer`. */
    async function attended(script: string, args: string[], answer: string, more: Record<string, string> = {}) {
        const command = ["npm", "run", "--silent", script, "--", ...args].join(" ");
        const { exitCode, all } = await execa("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
            cwd: copy.path("."),
            env: { ...env, TMPDIR: join(copy.folder, "tmp"), CI: undefined, ...more },
            input: `${answer}\n`,
            all: true,
            reject: false,
        });
        return { exitCode, output: all };
    }

    const registry = "127.0.0.1:5000/sms";
    /** The tag of this clone's release. */
    const released = () => {
        const args = { BASE_IMAGE: "127.0.0.1:5000/base/python:3.11" };
        return `release-${contentTag({ context: copy.path("app"), platform: "linux/amd64", args })}`;
    };
    const running = (tag: string, digit: string, ...more: object[]) =>
        put("state.json", {
            deployment: {
                resources: [{ type: "pulumi:pulumi:Stack", urn: "x", outputs: { image: `${registry}:${tag}@${digest(digit)}` } }, ...more],
            },
        });
    const faults = (...ids: string[]) => ({
        matches: ids.map((id) => ({
            vulnerability: { id, severity: "High", fix: { versions: ["2.0"] } },
            artifact: { name: "flask", version: "1.0" },
        })),
    });

    describe("npm run stack:init", () => {
        const init = (...args: string[]) => copy.run("stack:init", ["esc", ...args], env);

        before(() => {
            const open = copy.read("Pulumi.local.yaml").replace("config:\n", "environment: [acme/sms]\nconfig:\n");
            writeFileSync(copy.path("Pulumi.esc.yaml"), open);
        });

        it("asks for no passphrase if Pulumi Cloud or a key service encrypts", async () => {
            put("config.json", {});
            put("list.json", []);
            for (const [args, made] of [
                [[], "stack init esc --no-select --non-interactive"],
                [
                    ["--secrets-provider", "awskms://alias/sms"],
                    "stack init esc --no-select --secrets-provider awskms://alias/sms --non-interactive",
                ],
            ] as const) {
                rmSync(file("notes"), { force: true });
                const { exitCode, output } = await init(...args);
                assert.equal(exitCode, 0, output);
                assert.ok(notes().includes(made), notes().join("\n"));
            }
            const asked = await init("--secrets-provider", "passphrase");
            assert.match(asked.output, /There is no terminal to ask for the passphrase/);
        });

        it("uses the settings of an environment, and generates no others for them", async () => {
            const secret = { value: "x", secret: true };
            const tokens = { objectValue: { local: "x" }, secret: true };
            put("config.json", {
                "sms:redisPassword": secret,
                "sms:mongoPassword": secret,
                "sms:registryPassword": secret,
                "sms:clientTokens": tokens,
            });
            const { exitCode, output } = await init();
            assert.equal(exitCode, 0, output);
            assert.match(output, /Pulumi\.esc\.yaml is complete/);
            assert.deepEqual(
                notes().filter((line) => line.startsWith("config set")),
                [],
            );
        });

        it("generates passwords that neither the file nor an environment sets", async () => {
            put("config.json", { "sms:redisPassword": { secret: true } });
            const { output } = await init();
            assert.match(output, /Still to be set in Pulumi\.esc\.yaml:\n {2}sms:registryPassword is missing/);
            assert.deepEqual(
                notes().filter((line) => line.startsWith("config set")),
                ["config set --secret sms:mongoPassword --stack esc --non-interactive"],
            );
        });
    });

    describe("npm run recover", () => {
        const lock = (host: string, pid: number) =>
            `error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.\n  s3://b/.pulumi/locks/organization/sms/shop/1.json: created by ann@${host} (pid ${pid}) at 2026-11-29T09:00:00Z\n`;
        const elsewhere = lock("runner-7", 4711);
        const recover = (...args: string[]) => copy.run("recover", ["--stack", "shop", ...args], env);

        it("reports that there is nothing to recover, and releases nothing", async () => {
            const { exitCode, output } = await recover();
            assert.equal(exitCode, 0, output);
            assert.match(output, /Nobody holds the lock of shop\./);
            assert.doesNotMatch(output, /released/);
            assert.deepEqual(changes(), []);
        });

        it("names the holder of the lock, and changes nothing without a terminal", async () => {
            put("lock", elsewhere);
            const { exitCode, output } = await recover();
            assert.equal(exitCode, 1, output);
            assert.match(output, /The lock of shop is held by process 4711 of ann on runner-7, since 2026-11-29T09:00:00Z\./);
            assert.match(output, /Nothing was changed: nobody is here to ask .* add --yes/);
            assert.deepEqual(changes(), []);
        });

        it("releases the lock with --yes", async () => {
            put("lock", elsewhere);
            const { exitCode, output } = await recover("--yes");
            assert.equal(exitCode, 0, output);
            assert.match(output, /The lock is released\./);
            assert.deepEqual(changes(), ["cancel --yes --stack shop"]);
        });

        it("asks at a terminal, and accepts only yes", async () => {
            put("lock", elsewhere);
            const refused = await attended("recover", ["--stack", "shop"], "y");
            assert.match(refused.output, /held by process 4711[\s\S]*really gone[\s\S]*Nothing was changed/);
            assert.equal(refused.exitCode, 1);
            assert.deepEqual(changes(), []);
            const agreed = await attended("recover", ["--stack", "shop"], "yes");
            assert.equal(agreed.exitCode, 0, agreed.output);
            assert.deepEqual(changes(), ["cancel --yes --stack shop"]);
        });

        it("refuses while the holder runs on this host, even with --yes", async () => {
            const living = join(copy.folder, "pulumi-language-sleep");
            writeFileSync(living, "#!/bin/sh\nsleep 60\n", { mode: 0o755 });
            const holder = execa(living, { reject: false });
            put("lock", lock(hostname(), holder.pid as number));
            const { exitCode, output } = await recover("--yes");
            holder.kill();
            assert.equal(exitCode, 1, output);
            assert.match(output, new RegExp(`process ${holder.pid} of ann on .*, and that process is at work`));
            assert.deepEqual(changes(), []);
        });

        it("treats a holder on this host as ended if another program has its process id", async () => {
            put("lock", lock(hostname(), process.pid));
            assert.match((await recover("--yes")).output, /The lock is released\./);
        });

        it("asks Pulumi Cloud, which has no lock files, whether an update runs", async () => {
            put("list.json", [{ name: "shop", updateInProgress: true, url: "https://app.pulumi.com/acme/sms/shop" }]);
            const { output } = await recover();
            assert.match(output, /held by an update that https:\/\/app\.pulumi\.com\/acme\/sms\/shop shows/);
            assert.ok(!notes().some((line) => line.startsWith("refresh")));
        });

        it("names the pending operations, and asks before it clears them, also without a lock", async () => {
            const creating = [{ type: "creating", resource: { urn: urn(redis, "redis-instance"), type: redis } }];
            put("state.json", { version: 3, deployment: { resources: [], pending_operations: creating } });
            const { exitCode, output } = await recover();
            assert.equal(exitCode, 1, output);
            assert.match(output, /was killed while it created redis-instance\./);
            assert.deepEqual(changes(), []);
            const { output: cleared } = await recover("--yes");
            assert.match(cleared, new RegExp(`pulumi import ${redis} redis-instance ID --stack shop`));
            assert.deepEqual(changes(), ["stack import --stack shop"]);
        });
    });

    describe("npm run deploy", () => {
        const change = {
            resourcePreEvent: { metadata: { op: "update", type: deployment, urn: urn(deployment, "web"), old: {}, new: {} } },
        };
        const events = `${JSON.stringify(change)}\n`;
        const ups = () => changes().filter((line) => line.startsWith("up "));

        it("doesn't ask in a pipeline", async () => {
            put("events", events);
            const { exitCode, output } = await copy.run("deploy", ["--stack", "shop"], env);
            assert.equal(exitCode, 0, output);
            assert.equal(ups().length, 1);
        });

        it("doesn't ask in a pipeline that has a terminal", async () => {
            put("events", events);
            const { exitCode, output } = await attended("deploy", ["--stack", "shop"], "", { CI: "true" });
            assert.equal(exitCode, 0, output);
            assert.equal(ups().length, 1);
        });

        it("shows the changes at a terminal, and changes nothing without a yes", async () => {
            put("events", events);
            const { exitCode, output } = await attended("deploy", ["--stack", "shop"], "no");
            assert.equal(exitCode, 1, output);
            assert.match(output, /1 to update[\s\S]*Change shop as shown\?[\s\S]*Nothing was changed/);
            assert.deepEqual(ups(), []);
        });

        it("continues at a terminal after a yes, and with --yes without asking", async () => {
            put("events", events);
            assert.equal((await attended("deploy", ["--stack", "shop"], "yes")).exitCode, 0);
            const { output } = await attended("deploy", ["--stack", "shop", "--yes"], "");
            assert.doesNotMatch(output, /as shown\?/);
            assert.equal(ups().length, 2);
        });

        it("doesn't ask if nothing changes", async () => {
            const { output } = await attended("deploy", ["--stack", "shop"], "");
            assert.doesNotMatch(output, /as shown\?/);
            assert.equal(ups().length, 1);
        });

        it("changes nothing if the engine's log is incomplete, with any exit code", async () => {
            put("events", events.slice(0, -20));
            const { exitCode, output } = await copy.run("deploy", ["--stack", "shop"], env);
            assert.equal(exitCode, 1, output);
            assert.match(output, /The engine's log is incomplete/);
            assert.deepEqual(ups(), []);
        });

        it("changes nothing if the cloud would refuse a change of a store", async () => {
            const type = "alicloud:mongodb/instance:Instance";
            const [inputs, next] = [{ storageType: "cloud_essd1" }, { storageType: "cloud_essd2" }];
            const states = { old: { inputs, outputs: inputs }, new: { inputs: next } };
            const refused = { resourcePreEvent: { metadata: { op: "update", type, urn: urn(type, "mongo-instance"), ...states } } };
            put("events", `${JSON.stringify(refused)}\n`);
            const { exitCode, output } = await copy.run("deploy", ["--stack", "shop", "--accept-loss"], env);
            assert.equal(exitCode, 1, output);
            assert.match(output, /storageType is cloud_essd2 and was cloud_essd1; allowed: cloud_essd1 or cloud_auto/);
            assert.deepEqual(ups(), []);
        });

        it("passes an organization's stack to the engine by its whole name, and its file by the last part", async () => {
            await copy.run("deploy", ["--stack", "acme/sms/shop"], env);
            assert.match(ups()[0] ?? "", /--stack acme\/sms\/shop --config-file \S+\/Pulumi\.shop\.yaml( |$)/);
        });

        it("keeps the release that runs, if it is one of this clone's code, and leaves the stack file as it is", async () => {
            running(released(), "1");
            const { exitCode, output } = await copy.run("deploy", ["--stack", "shop"], env);
            assert.equal(exitCode, 0, output);
            const [, pin, file] = /config set --path sms:image\.pinned (\S+) --config-file (\S+)/.exec(changes()[0] ?? "") ?? [];
            assert.equal(pin, `${released()}@${digest("1")}`);
            assert.notEqual(file, copy.path("Pulumi.shop.yaml"));
            const previewed = notes().filter((line) => line.startsWith("preview "));
            assert.ok(
                [...previewed, ...ups()].every((line) => line.includes(`--config-file ${file} `)),
                notes().join("\n"),
            );
        });

        it("builds this clone's code where another release runs", async () => {
            running("release-0123456789abcdef0123", "1");
            await copy.run("deploy", ["--stack", "shop"], env);
            assert.match(ups()[0] ?? "", new RegExp(`--config-file ${copy.path("Pulumi.shop.yaml")} `));
        });
    });

    describe("npm run release", () => {
        const release = (more: Record<string, string> = {}) =>
            copy.run("release", ["--stack", "shop"], { COSIGN_PRIVATE_KEY: "", ...env, ...more });
        const sets = () => changes().filter((line) => line.startsWith("config set "));
        const commands = () => notes("released").map((line) => line.replace(/--metadata-file \S+/, "--metadata-file FILE"));

        it("builds, scans, signs and pins, in this order, with the registry's account", async () => {
            const { exitCode, output } = await release();
            assert.equal(exitCode, 0, output);
            const attested = "--sbom=true --provenance=mode=max --metadata-file FILE";
            const args = `--build-arg BASE_IMAGE=127.0.0.1:5000/base/python:3.11 ${copy.path("app")}`;
            assert.deepEqual(commands(), [
                `docker buildx build --push --platform linux/amd64 --tag ${registry}:${released()} ${attested} ${args}`,
                `grype registry:${registry}@${digest("9")}`,
                `cosign download signature ${registry}@${digest("9")}`,
                `cosign sign --yes ${registry}@${digest("9")}`,
            ]);
            assert.deepEqual(sets(), [`config set --path sms:image.pinned ${released()}@${digest("9")} --stack shop`]);
            assert.match(readFileSync(file("given"), "utf8"), /"127\.0\.0\.1:5000":\{"auth":"c21zOnB3"\}/);
            assert.deepEqual(copy.leftovers(), []);
        });

        it("signs by a key without the public log, if there is one", async () => {
            await release({ COSIGN_PRIVATE_KEY: "key" });
            assert.equal(
                commands().at(-1),
                `cosign sign --yes --key env://COSIGN_PRIVATE_KEY --tlog-upload=false ${registry}@${digest("9")}`,
            );
        });

        it("neither signs nor pins an image with known faults", async () => {
            put("faults-9.json", faults("CVE-1"));
            const { exitCode, output } = await release();
            assert.equal(exitCode, 1, output);
            assert.match(output, /so it is not signed:\n {2}high: flask 1\.0, CVE-1, fixed in 2\.0/);
            assert.doesNotMatch(commands().join(), /cosign sign/);
            assert.deepEqual(sets(), []);
        });

        it("builds nothing where this clone's release runs, and signs once what `up` has pushed beside", async () => {
            const copied = { type: "docker:index/image:Image", urn: "y", outputs: { repoDigest: `${registry}@${digest("7")}` } };
            running(released(), "1", copied);
            const { exitCode, output } = await release();
            assert.equal(exitCode, 0, output);
            assert.match(output, /is this clone's release and runs already: nothing is built/);
            assert.equal(commands().at(-1), `cosign sign --yes ${registry}@${digest("7")}`);
            rmSync(file("released"));
            put("signed", "");
            await release();
            assert.deepEqual(commands(), [`cosign download signature ${registry}@${digest("7")}`]);
        });

        it("never signs what `up` has built of the app", async () => {
            const built = { type: "docker:index/image:Image", urn: "y", outputs: { repoDigest: `${registry}@${digest("1")}` } };
            running("0123456789abcdef0123", "1", built);
            await release();
            assert.doesNotMatch(commands().join(), new RegExp(`sign .*${digest("1")}`));
        });
    });

    describe("npm run scan", () => {
        const scan = (...args: string[]) => copy.run("scan", ["--stack", "shop", ...args], env);

        it("scans the images that run, by the host that is reached from here", async () => {
            const copied = { type: "docker:index/image:Image", urn: "y", outputs: { repoDigest: `${registry}@${digest("7")}` } };
            running("x", "1", copied);
            put("state.json", readFileSync(file("state.json"), "utf8").replace("127.0.0.1:5000/sms:x", "vpc.example.com/sms:x"));
            const { exitCode, output } = await scan();
            assert.equal(exitCode, 0, output);
            assert.deepEqual(notes("released"), [`grype registry:${registry}@${digest("1")}`, `grype registry:${registry}@${digest("7")}`]);
        });

        it("fails by severity", async () => {
            running("x", "1");
            put("faults-1.json", faults("CVE-1"));
            const { exitCode, output } = await scan();
            assert.equal(exitCode, 1, output);
            assert.match(output, /1 known faults that a newer version hasn't, 1 of them high or worse\n {2}high: flask/);
            assert.equal((await scan("--level", "critical")).exitCode, 0);
        });

        it("fails where an image can't be read", async () => {
            running("x", "5");
            const { exitCode, output } = await scan();
            assert.equal(exitCode, 1, output);
            assert.match(output, /grype can't read 127\.0\.0\.1:5000\/sms@sha256:5+: no such image/);
        });
    });

    describe("npm run rollback", () => {
        const image = (digit: string) => `registry.example.com/sms/sms:${digit}@${digest(digit)}`;
        const replicaSet = (revision: number, digit: string) => ({
            metadata: { annotations: { "deployment.kubernetes.io/revision": `${revision}` } },
            spec: { template: { spec: { containers: [{ name: "sms-web", image: image(digit) }] } } },
        });
        const rollback = (...args: string[]) => copy.run("rollback", ["--stack", "shop", ...args], env);

        beforeEach(() => {
            const web = {
                urn: urn(deployment, "web"),
                type: deployment,
                provider: `${provider}::1`,
                inputs: { metadata: { name: "sms-web", namespace: "shop-ns" } },
            };
            const inputs = { kubeconfig: { plaintext: JSON.stringify(kubeconfig) } };
            put("state.json", { deployment: { resources: [{ urn: provider, type: "pulumi:providers:kubernetes", inputs }, web] } });
            put("replicasets.json", { items: [replicaSet(2, "2"), replicaSet(1, "1")] });
        });

        it("uses the stack's own cluster, with the kubeconfig of its state, and leaves no copy of it", async () => {
            const { exitCode, output } = await rollback();
            assert.equal(exitCode, 0, output);
            assert.match(notes("asked")[0] ?? "", /^--namespace shop-ns --kubeconfig \S+ get replicasets /);
            assert.equal(readFileSync(file("given"), "utf8"), kubeconfig);
            assert.deepEqual(copy.leftovers(), []);
            const [set, up] = changes();
            assert.equal(set, `config set --path sms:image.pinned 1@${digest("1")} --stack shop`);
            assert.match(up ?? "", /^up --yes/);
        });

        it("reports why the cluster can't be reached, and changes nothing", async () => {
            put("unreachable", "");
            const { exitCode, output } = await rollback();
            assert.equal(exitCode, 1, output);
            assert.match(output, /Unable to connect to the server: no such host/);
            assert.deepEqual(changes(), []);
        });

        it("warns before it acts of the known faults that only the older image has", async () => {
            const state = JSON.parse(readFileSync(file("state.json"), "utf8"));
            state.deployment.resources.push({ type: "pulumi:pulumi:Stack", urn: "x", outputs: { image: image("2") } });
            put("state.json", state);
            put("faults-1.json", faults("CVE-1", "CVE-2"));
            put("faults-2.json", faults("CVE-2", "CVE-3"));
            const { exitCode, output } = await rollback();
            assert.equal(exitCode, 0, output);
            assert.match(
                output,
                /WARNING: the older image has 1 known faults that the one that runs hasn't:\n {2}high: flask 1\.0, CVE-1,/,
            );
            assert.equal(changes().length, 2);
        });

        it("goes on where the images can't be compared, and says why; --no-scan compares nothing", async () => {
            const { exitCode, output } = await rollback();
            assert.equal(exitCode, 0, output);
            assert.match(output, /Known faults are not compared: the stack's state doesn't name the image that runs\./);
            assert.doesNotMatch((await rollback("--no-scan")).output, /Known faults/);
        });

        it("reports the effects of a failed up", async () => {
            put("broken", "");
            const { exitCode, output } = await rollback();
            assert.equal(exitCode, 5, output);
            assert.match(output, /The `up` failed, .* sms:image\.pinned is set in Pulumi\.shop\.yaml/);
            assert.doesNotMatch(output, /pins the image until/);
        });
    });
});
