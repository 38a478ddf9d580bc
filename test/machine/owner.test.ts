import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestStack } from "../../lab/fixtures/testStack";
import { apply, kubectl } from "../../lab/machine/kubernetes";
import { assertUntouched, contentOf } from "./content";

const mine = "sms-mine";
const port = 31107;
const name = `organization/sms/${mine}`;

/** No NetworkPolicies, because they take effect slowly. Another test covers them. */
const open = { "sms:networkPolicies": { enabled: false } };

interface Live {
    metadata: { uid: string };
}

describe("objects of others on the real cluster", () => {
    let first: TestStack;
    let second: TestStack;
    const stacks: TestStack[] = [];
    const withStack = async (stack: Promise<TestStack>) => {
        stacks.push(await stack);
        return stack;
    };

    const refusals = async (stack: TestStack, ...expected: RegExp[]) => {
        for (const run of [() => stack.run("preview", "--non-interactive"), () => stack.up()]) {
            const { exitCode, output } = await run();
            assert.notEqual(exitCode, 0, output);
            for (const words of expected) {
                assert.match(output, words);
            }
            assert.match(output, /in the way of stack .*; nothing was changed/);
            assert.doesNotMatch(output, /\n\s+at .*\.(ts|js):\d+/);
        }
    };
    const destroy = async (stack: TestStack) => {
        const { exitCode, output } = await stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
        assert.equal(exitCode, 0, output);
    };
    const succeeds = async (stack: TestStack) => {
        const { exitCode, output } = await stack.up();
        assert.equal(exitCode, 0, output);
    };

    before("a stack that is deployed", async () => {
        first = await withStack(TestStack.make(mine, port));
        await first.configure(open);
        await succeeds(first);
        second = await withStack(TestStack.make("sms-yours", port + 1));
    });

    after("remove", async () => {
        for (const stack of stacks) {
            await stack.clear();
        }
        await kubectl("delete", "namespace", "sms-shared", "--ignore-not-found", "--wait=false");
    });

    it("are refused to a second stack in the namespace of the first, and its destroy changes nothing", async () => {
        await second.configure({ "sms:namespace": mine });
        await assertUntouched(mine, async () => {
            await refusals(
                second,
                new RegExp(`namespace ${mine} belongs to stack ${name}`),
                /pulumi config set sms:namespace sms-sms-yours --stack sms-yours/,
            );
            await destroy(second);
        });
    });

    it("are refused to a stack of the same name in another backend", async () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-backend-"));
        const namesake = await withStack(TestStack.beside(mine, port, { PULUMI_BACKEND_URL: `file://${folder}` }));
        await namesake.configure(open);
        await assertUntouched(mine, () =>
            refusals(namesake, new RegExp(`namespace ${mine} belongs to another stack with this one's name`)),
        );
        rmSync(folder, { recursive: true });
    });

    it("are refused if another Service has the port, before any change", async () => {
        await second.configure({ "sms:web": { replicas: 2, nodePort: port } });
        await refusals(
            second,
            new RegExp(`sms:web\\.nodePort is ${port}, which Service sms-web in namespace ${mine} has, of stack ${name}`),
        );
        assert.equal(await kubectl("get", "namespace", "sms-yours", "--ignore-not-found"), "");
    });

    it("are not left by a stack whose namespace changes: both namespaces stay unchanged", async () => {
        await first.configure({ ...open, "sms:namespace": "sms-yours" });
        await assertUntouched(mine, () => refusals(first, new RegExp(`sms:namespace is sms-yours, but stack ${mine} lives in ${mine}`)));
        assert.equal(await kubectl("get", "namespace", "sms-yours", "--ignore-not-found"), "");
        await first.configure(open);
    });

    it("are not given up by a stack that created its namespace", async () => {
        await first.configure({ ...open, "sms:existingNamespace": true });
        await assertUntouched(mine, () => refusals(first, /sms:existingNamespace is true, but stack sms-mine created namespace/));
        await first.configure(open);
    });

    it("are taken over by the stack that created them, even if its state does not have them after a killed up", async () => {
        const state = JSON.parse(await first.state()) as { deployment: { resources: { type: string; outputs?: object }[] } };
        const { resources } = state.deployment;
        // The state after an `up` that was killed before any object was stored in it.
        state.deployment.resources = resources
            // A Stash has its own provider in the state.
            .filter(({ type }) => ["pulumi:pulumi:Stack", "pulumi:providers:pulumi", "pulumi:index:Stash"].includes(type))
            .map((resource) => (resource.type === "pulumi:pulumi:Stack" ? { ...resource, outputs: undefined } : resource));
        await first.restoreState(JSON.stringify(state));
        const uids = async () => (await first.objects<Live>("deploy,sts,svc")).map(({ metadata }) => metadata.uid);
        const before = await uids();
        await succeeds(first);
        assert.deepEqual(await uids(), before, "no object was created again");
        const preview = await first.run("preview", "--non-interactive", "--expect-no-changes");
        assert.equal(preview.exitCode, 0, preview.output);
    });

    describe("a namespace with a Deployment and a ConfigMap of others", () => {
        const shared = "sms-shared";
        const theirs = (kind: string, more: object, apiVersion = "v1") => ({
            apiVersion,
            kind,
            metadata: { name: "theirs", namespace: shared },
            ...more,
        });
        const labels = { app: "theirs" };

        const assertStill = async (before: string[]) => {
            const now = await contentOf(shared);
            assert.deepEqual(
                before.filter((object) => !now.includes(object)),
                [],
            );
        };

        before("make it", async () => {
            await kubectl("delete", "namespace", shared, "--ignore-not-found");
            await kubectl("create", "namespace", shared);
            const image = await kubectl(
                "--namespace",
                mine,
                "get",
                "statefulset",
                "redis",
                "-o",
                "jsonpath={.spec.template.spec.containers[0].image}",
            );
            const containers = [{ name: "theirs", image, command: ["sleep", "1000000"] }];
            await apply(
                theirs("ConfigMap", { data: { theirs: "yes" } }),
                theirs("Service", { spec: { selector: labels, ports: [{ port: 80 }] } }),
                theirs(
                    "Deployment",
                    { spec: { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } } },
                    "apps/v1",
                ),
            );
        });

        it("is refused", async () => {
            await second.configure({ "sms:namespace": shared });
            await assertUntouched(shared, () =>
                refusals(second, /namespace sms-shared already exists, and stack sms-yours didn't create it/, /sms:existingNamespace true/),
            );
        });

        it("is refused if an object of others has a name that the product uses", async () => {
            await apply({ ...theirs("Service", { spec: { ports: [{ port: 1 }] } }), metadata: { name: "redis", namespace: shared } });
            await second.configure({ "sms:namespace": shared, "sms:existingNamespace": true });
            await assertUntouched(shared, () =>
                refusals(second, /Service redis in namespace sms-shared already exists, and stack sms-yours didn't create it/),
            );
            await kubectl("--namespace", shared, "delete", "service", "redis");
        });

        it("is used if the settings say that it exists: the product runs, and the objects of others stay, also after destroy", async () => {
            const before = await contentOf(shared);
            await succeeds(second);
            await second.waitUntilSent(await second.send("beside theirs"));
            await assertStill(before);
            const policies = await kubectl(
                "--namespace",
                shared,
                "get",
                "netpol",
                "-o",
                "jsonpath={.items[*].spec.podSelector.matchLabels}",
            );
            assert.equal(policies.match(/"app.kubernetes.io\/part-of":"sms"/g)?.length, 9, policies);
            await destroy(second);
            await assertStill(before);
        });
    });
});
