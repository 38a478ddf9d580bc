import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { Copy } from "../engine/copy";

const redis = "alicloud:kvstore/instance:Instance";
const deployment = "kubernetes:apps/v1:Deployment";
const urn = (type: string, name: string) => `urn:pulumi:test::sms::sms:a:A$${type}::${name}`;
const provider = "urn:pulumi:test::sms::pulumi:providers:kubernetes::cluster";
const kubeconfig = "apiVersion: v1\nkind: Config\n";
const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

/** Notes how it is called; shows a state, a lock and a preview that lie in files beside it. */
const pulumi = (folder: string) => `#!/bin/sh
cd '${folder}'
echo "$*" >> notes
case "$*" in
    "stack ls --json"*) cat list.json ;;
    "stack export"*) cat state.json ;;
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

/** Notes how it is called, and what kubeconfig it is given. */
const kubectl = (folder: string) => `#!/bin/sh
echo "$*" >> '${folder}/asked'
while [ $# -gt 0 ]; do [ "$1" != --kubeconfig ] || cp "$2" '${folder}/given'; shift; done
[ ! -e '${folder}/unreachable' ] || { echo 'Unable to connect to the server: no such host' >&2; exit 1; }
cat '${folder}/replicasets.json'`;

describe("on a stack, by a pulumi that only takes notes:", () => {
    let copy: Copy;
    let env: Record<string, string>;
    const file = (name: string) => join(copy.folder, "bin", name);
    const put = (name: string, content: string | object) =>
        writeFileSync(file(name), typeof content === "string" ? content : JSON.stringify(content));
    const notes = (name = "notes") => (existsSync(file(name)) ? readFileSync(file(name), "utf8").trim().split("\n") : []);
    const changes = () => notes().filter((line) => !/^(stack (ls|export)|refresh --preview-only|preview)/.test(line));

    before(() => {
        copy = Copy.make();
        mkdirSync(file(""));
        for (const [name, script] of Object.entries({ pulumi, kubectl })) {
            writeFileSync(file(name), script(file("")), { mode: 0o755 });
        }
        env = { PATH: `${file("")}:${process.env.PATH}` };
        // Nothing is missing in it.
        const sealed = ["registryPassword", "redisPassword", "mongoPassword"].map((key) => `    sms:${key}: { secure: v1:x }\n`);
        writeFileSync(copy.path("Pulumi.shop.yaml"), copy.read("Pulumi.local.yaml").replace("config:\n", `config:\n${sealed.join("")}`));
    });
    after(() => copy.remove());
    beforeEach(() => {
        for (const name of ["notes", "lock", "broken", "asked", "given", "unreachable"]) {
            rmSync(file(name), { force: true });
        }
        put("list.json", [{ name: "shop" }]);
        put("state.json", { version: 3, deployment: { resources: [] } });
        put("events", "\n");
    });

    /** At a terminal, where somebody types `answer`. */
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

    describe("npm run recover", () => {
        const lock = (host: string, pid: number) =>
            `error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.\n  s3://b/.pulumi/locks/organization/sms/shop/1.json: created by ann@${host} (pid ${pid}) at 2026-11-29T09:00:00Z\n`;
        const elsewhere = lock("runner-7", 4711);
        const recover = (...args: string[]) => copy.run("recover", ["--stack", "shop", ...args], env);

        it("says that there is nothing to recover, and releases nothing", async () => {
            const { exitCode, output } = await recover();
            assert.equal(exitCode, 0, output);
            assert.match(output, /Nobody holds the lock of shop\./);
            assert.doesNotMatch(output, /released/);
            assert.deepEqual(changes(), []);
        });

        it("names who holds the lock, and changes nothing where nobody can be asked", async () => {
            put("lock", elsewhere);
            const { exitCode, output } = await recover();
            assert.equal(exitCode, 1, output);
            assert.match(output, /The lock of shop is held by process 4711 of ann on runner-7, since 2026-11-29T09:00:00Z\./);
            assert.match(output, /Nothing was changed: nobody is here to ask .* add --yes/);
            assert.deepEqual(changes(), []);
        });

        it("releases it with --yes", async () => {
            put("lock", elsewhere);
            const { exitCode, output } = await recover("--yes");
            assert.equal(exitCode, 0, output);
            assert.match(output, /The lock is released\./);
            assert.deepEqual(changes(), ["cancel --yes --stack shop"]);
        });

        it("asks at a terminal, and takes only yes for a yes", async () => {
            put("lock", elsewhere);
            const refused = await attended("recover", ["--stack", "shop"], "y");
            assert.match(refused.output, /held by process 4711[\s\S]*really gone[\s\S]*Nothing was changed/);
            assert.equal(refused.exitCode, 1);
            assert.deepEqual(changes(), []);
            const agreed = await attended("recover", ["--stack", "shop"], "yes");
            assert.equal(agreed.exitCode, 0, agreed.output);
            assert.deepEqual(changes(), ["cancel --yes --stack shop"]);
        });

        it("refuses while the holder is at work on this host, even with --yes", async () => {
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

        it("takes a holder on this host for gone where another program has its number", async () => {
            put("lock", lock(hostname(), process.pid));
            assert.match((await recover("--yes")).output, /The lock is released\./);
        });

        it("asks Pulumi Cloud whether an update is at work, which has no lock files", async () => {
            put("list.json", [{ name: "shop", updateInProgress: true, url: "https://app.pulumi.com/acme/sms/shop" }]);
            const { output } = await recover();
            assert.match(output, /held by an update that https:\/\/app\.pulumi\.com\/acme\/sms\/shop shows/);
            assert.ok(!notes().some((line) => line.startsWith("refresh")));
        });

        it("names what was being made, and asks before its notes are cleared, also where no lock is left", async () => {
            const creating = [{ type: "creating", resource: { urn: urn(redis, "redis-instance"), type: redis } }];
            put("state.json", { version: 3, deployment: { resources: [], pending_operations: creating } });
            const { exitCode, output } = await recover();
            assert.equal(exitCode, 1, output);
            assert.match(output, /was cut short while it made redis-instance\./);
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

        it("shows at a terminal what will change, and changes nothing without a yes", async () => {
            put("events", events);
            const { exitCode, output } = await attended("deploy", ["--stack", "shop"], "no");
            assert.equal(exitCode, 1, output);
            assert.match(output, /1 to update[\s\S]*Change shop as shown\?[\s\S]*Nothing was changed/);
            assert.deepEqual(ups(), []);
        });

        it("goes on at a terminal after a yes, and with --yes without asking", async () => {
            put("events", events);
            assert.equal((await attended("deploy", ["--stack", "shop"], "yes")).exitCode, 0);
            const { output } = await attended("deploy", ["--stack", "shop", "--yes"], "");
            assert.doesNotMatch(output, /as shown\?/);
            assert.equal(ups().length, 2);
        });

        it("has nothing to ask where nothing changes", async () => {
            const { output } = await attended("deploy", ["--stack", "shop"], "");
            assert.doesNotMatch(output, /as shown\?/);
            assert.equal(ups().length, 1);
        });

        it("changes nothing where the engine's log breaks off, whatever its exit code", async () => {
            put("events", events.slice(0, -20));
            const { exitCode, output } = await copy.run("deploy", ["--stack", "shop"], env);
            assert.equal(exitCode, 1, output);
            assert.match(output, /The engine's log breaks off/);
            assert.deepEqual(ups(), []);
        });

        it("gives the engine an organization's stack by its whole name, and its file by the last part", async () => {
            await copy.run("deploy", ["--stack", "acme/sms/shop"], env);
            assert.match(ups()[0] ?? "", /--stack acme\/sms\/shop --config-file \S+\/Pulumi\.shop\.yaml$/);
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

        it("asks the stack's own cluster, by the kubeconfig of its state, and leaves no copy of that", async () => {
            const { exitCode, output } = await rollback();
            assert.equal(exitCode, 0, output);
            assert.match(notes("asked")[0] ?? "", /^--namespace shop-ns --kubeconfig \S+ get replicasets /);
            assert.equal(readFileSync(file("given"), "utf8"), kubeconfig);
            assert.deepEqual(copy.leftovers(), []);
            const [set, up] = changes();
            assert.equal(set, `config set --path sms:image.pinned 1@${digest("1")} --stack shop`);
            assert.match(up ?? "", /^up --yes/);
        });

        it("tells why the cluster can't be asked, and changes nothing", async () => {
            put("unreachable", "");
            const { exitCode, output } = await rollback();
            assert.equal(exitCode, 1, output);
            assert.match(output, /Unable to connect to the server: no such host/);
            assert.deepEqual(changes(), []);
        });

        it("says what a failed up leaves", async () => {
            put("broken", "");
            const { exitCode, output } = await rollback();
            assert.equal(exitCode, 5, output);
            assert.match(output, /The `up` failed, .* sms:image\.pinned is set in Pulumi\.shop\.yaml/);
            assert.doesNotMatch(output, /holds it there/);
        });
    });
});
