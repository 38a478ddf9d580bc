import assert from "node:assert/strict";
import { clearPending } from "../../machine/pending";

const urn = (type: string, name: string) => `urn:pulumi:online::sms::sms:web:Web$${type}::${name}`;

function pending(type: string, name: string, inputs?: object) {
    return { type: "creating", resource: { urn: urn(type, name), type, inputs } };
}

const others = [{ urn: "urn:pulumi:online::sms::pulumi:pulumi:Stack::sms-online" }];

/** What `pulumi` is asked, what state it is given, and what is left. */
async function recovered(operations: object[]) {
    const asked: string[][] = [];
    let imported: { version: number; deployment: { resources: object[]; pending_operations: object[] } } | undefined;
    const left = await clearPending(async (args, input) => {
        asked.push([...args]);
        imported = input === undefined ? imported : JSON.parse(input);
        return { stdout: JSON.stringify({ version: 3, deployment: { resources: others, pending_operations: operations } }) };
    });
    return { asked, imported, left };
}

describe("what a killed up was making", () => {
    it("is nothing where only the lock is left", async () => {
        const { asked, left } = await recovered([]);
        assert.deepEqual(asked, [["stack", "export"]]);
        assert.deepEqual(left, []);
    });

    it("needs nothing more where it has a name of its own: the next up applies it again", async () => {
        const { asked, imported, left } = await recovered([
            pending("kubernetes:core/v1:Service", "web-service", { metadata: { name: "sms-web", namespace: "sms" } }),
        ]);
        assert.deepEqual(asked.at(-1), ["stack", "import"]);
        assert.deepEqual(imported, { version: 3, deployment: { resources: others, pending_operations: [] } });
        assert.deepEqual(left, []);
    });

    it("is removed by the next up where Pulumi named it, as what a replacement leaves", async () => {
        const type = "kubernetes:batch/v1:Job";
        const metadata = { name: "check-job-1a2b3c4d", namespace: "sms", annotations: { "pulumi.com/autonamed": "true" } };
        const inputs = { apiVersion: "batch/v1", kind: "Job", metadata };
        const { imported, left } = await recovered([pending(type, "check-job", inputs)]);
        const outputs = { ...inputs, __inputs: inputs, __initialApiVersion: "batch/v1" };
        assert.deepEqual(imported?.deployment.resources, [
            ...others,
            { urn: urn(type, "check-job"), type, inputs, id: "sms/check-job-1a2b3c4d", outputs, delete: true },
        ]);
        assert.deepEqual(left, []);
    });

    it("is named where only the cloud knows its id", async () => {
        const instance = "alicloud:kvstore/instance:Instance";
        const { imported, left } = await recovered([pending(instance, "redis-instance", { instanceName: "sms" })]);
        assert.deepEqual(imported?.deployment, { resources: others, pending_operations: [] });
        assert.deepEqual(left, [urn(instance, "redis-instance")]);
    });

    it("is left alone where it was being changed or deleted: the next up does it again", async () => {
        const { asked } = await recovered([{ ...pending("kubernetes:core/v1:Service", "s"), type: "updating" }]);
        assert.deepEqual(asked, [["stack", "export"]]);
    });
});
