import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Run, TestStack } from "../../lab/fixtures/testStack";
import { apply, kubectl } from "../../lab/machine/kubernetes";
import { clone } from "../../toolchain/places";

const namespace = "sms-volumes";
const growing = "sms-volumes-growing";
const fixed = "sms-volumes-fixed";

interface KubernetesObject {
    metadata: { name: string; uid: string };
}

interface Claim extends KubernetesObject {
    spec: { volumeName: string; storageClassName: string; resources: { requests: { storage: string } } };
}

/** Creates two storage classes with the machine's provisioner. Volumes of one class may grow, as in the cloud. */
async function makeClasses(): Promise<void> {
    const [own] = (JSON.parse(await kubectl("get", "storageclasses", "-o", "json")) as { items: { provisioner: string }[] }).items;
    const classes = [growing, fixed].map((name) => ({
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name },
        provisioner: own?.provisioner,
        volumeBindingMode: "WaitForFirstConsumer",
        allowVolumeExpansion: name === growing,
    }));
    await apply(...classes);
}

const storesAlone = (content: string) =>
    content.replace("\n    const collector =", "\n    return { namespace, place };\n    const collector =");

/** An older version of the program, in which the StatefulSets create the claims. */
const withoutClaims = (content: string) =>
    content
        .replace(/ {4}const claim = new PersistentVolumeClaim\([\s\S]*?\n {4}\);\n/, "")
        .replace('dependsOn: claim, ignoreChanges: ["spec.volumeClaimTemplates"]', "");

function assertSucceeded({ exitCode, output }: Run): void {
    assert.equal(exitCode, 0, output);
}

describe("the volumes of stores in the real cluster", () => {
    let stack: TestStack;
    const local = (parse(readFileSync(join(clone, "Pulumi.local.yaml"), "utf8")) as { config: Record<string, object> }).config;
    const redis = { ...local["sms:redis"], storage: "256Mi", storageClass: growing };
    const mongo = { ...local["sms:mongo"], storage: "512Mi", storageClass: fixed };
    const grown = { ...redis, storage: "512Mi" };
    /** No image is built, because only the stores are deployed. */
    const image = { pinned: `none@sha256:${"0".repeat(64)}` };
    const configure = (changes: object = {}) => stack.configure({ "sms:image": image, "sms:redis": redis, "sms:mongo": mongo, ...changes });

    /** Runs a command in Redis' pod. The image of MongoDB has no such commands. */
    const inStore = (...command: string[]) => kubectl("--namespace", namespace, "exec", "redis-0", "--", ...command);
    const claims = () => stack.objects<Claim>("persistentvolumeclaims");
    /** The uids of the objects by name. A new object with the same name has another uid. */
    const ids = async (kind: string) =>
        Object.fromEntries((await stack.objects<KubernetesObject>(kind)).map(({ metadata }) => [metadata.name, metadata.uid]));
    const stores = async () => {
        const { "redis-0": redis, "mongo-0": mongo } = await ids("pods");
        return { pods: { redis, mongo }, statefulSets: await ids("statefulsets"), claims: await ids("persistentvolumeclaims") };
    };

    before("up from nothing, with claims that the StatefulSets made", async () => {
        await makeClasses();
        stack = await TestStack.make(namespace, 31106);
        stack.edit("index.ts", storesAlone);
        stack.edit("components/persistentPod.ts", withoutClaims);
        await configure();
        assertSucceeded(await stack.up());
    });

    after("destroy", async () => {
        await configure({ "sms:redis": grown });
        await stack.up();
        await stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
        await stack.remove();
        await kubectl("delete", "storageclass", growing, fixed, "--ignore-not-found");
    });

    it("become the program's own claims with their data, and no store restarts", async () => {
        await inStore("touch", "/data/before-the-upgrade");
        const before = await stores();
        assert.deepEqual(Object.keys(before.claims).sort(), ["data-mongo-0", "data-redis-0"]);
        stack.restore("components/persistentPod.ts");
        assertSucceeded(await stack.up());
        assert.deepEqual(await stores(), before);
        await inStore("test", "-e", "/data/before-the-upgrade");
        assertSucceeded(await stack.up("--expect-no-changes"));
    });

    it("grow in place if their class allows it", async () => {
        const before = await stores();
        await configure({ "sms:redis": grown });
        const preview = await stack.run("preview", "--diff", "--non-interactive");
        assertSucceeded(preview);
        assert.doesNotMatch(preview.output, /replace|delete/);
        assertSucceeded(await stack.up());
        assert.deepEqual(await stores(), before);
        const sizes = (await claims()).map(({ metadata, spec }) => [metadata.name, spec.resources.requests.storage]);
        assert.deepEqual(Object.fromEntries(sizes), { "data-mongo-0": "512Mi", "data-redis-0": "512Mi" });
        assertSucceeded(await stack.up("--expect-no-changes"));
    });

    for (const [what, changes, problem] of [
        [
            "grow in a class that doesn't allow it",
            { "sms:mongo": { ...mongo, storage: "1Gi" } },
            `sms:mongo.storage is 1Gi, but its volume has 512Mi: its StorageClass ${fixed} doesn't let volumes grow`,
        ],
        [
            "shrink",
            { "sms:mongo": { ...mongo, storage: "256Mi" } },
            "sms:mongo.storage is 256Mi, but its volume has 512Mi: a volume can't shrink",
        ],
        [
            "change their class",
            { "sms:mongo": { ...mongo, storageClass: growing } },
            `sms:mongo.storageClass is ${growing}, but its volume has ${fixed}: a volume stays in its class`,
        ],
    ] as const) {
        it(`are refused by both preview and up if they would ${what}, and nothing changes`, async () => {
            const before = await stores();
            await configure({ "sms:redis": grown, ...changes });
            for (const run of [await stack.run("preview", "--non-interactive"), await stack.up()]) {
                assert.notEqual(run.exitCode, 0);
                assert.ok(run.output.includes(problem), run.output);
            }
            assert.deepEqual(await stores(), before);
        });
    }

    it("keep MongoDB's password: both preview and up refuse another one, and nothing changes", async () => {
        const before = await stores();
        await configure({ "sms:redis": grown });
        await stack.setSecret("sms:mongoPassword", "another-password-than-before");
        for (const run of [await stack.run("preview", "--non-interactive"), await stack.up()]) {
            assert.notEqual(run.exitCode, 0);
            assert.match(run.output, /sms:mongoPassword differs from the password of MongoDB's volume/);
        }
        assert.deepEqual(await stores(), before);
        await stack.run("config", "rm", "sms:mongoPassword");
        await configure({ "sms:redis": grown });
        assertSucceeded(await stack.up("--expect-no-changes"));
    });

    it("are kept with their stores and the namespace if they are protected, whatever command runs", async () => {
        const asked = { "sms:redis": grown, "sms:protect": true };
        await configure(asked);
        assertSucceeded(await stack.up());
        const before = await stores();
        const destroyed = await stack.run("destroy", "--yes", "--non-interactive");
        assert.notEqual(destroyed.exitCode, 0);
        assert.match(destroyed.output, /cannot be deleted\s+because it is protected/);
        await configure({ ...asked, "sms:redis": { kind: "external" } });
        await stack.run("config", "rm", "sms:redisPassword");
        await stack.setSecret("sms:redisUrl", "redis://sms:password@redis.example.com:6379/0");
        const moved = await stack.run("up", "--yes", "--non-interactive");
        assert.notEqual(moved.exitCode, 0);
        assert.match(moved.output, /cannot be deleted\s+because it is protected/);
        assert.deepEqual(await stores(), before);
        await stack.run("config", "rm", "sms:redisUrl");
    });
});
