import assert from "node:assert/strict";
import { clearPending } from "../../operations/pending";

const urn = (type: string, name: string) => `urn:pulumi:online::sms::sms:web:Web$${type}::${name}`;

function pending(type: string, name: string, inputs?: object) {
    return { type: "creating", resource: { urn: urn(type, name), type, inputs } };
}

const others = [{ urn: "urn:pulumi:online::sms::pulumi:pulumi:Stack::sms-online" }];

/** Recovers a state with these pending operations. Returns the calls of `pulumi`, the imported state and the remaining operations. */
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

describe("the pending operation of a killed up", () => {
    it("is missing if only the lock remains", async () => {
        const { asked, left } = await recovered([]);
        assert.deepEqual(asked, [["stack", "export"]]);
        assert.deepEqual(left, []);
    });

    it("needs no action if the object has a fixed name: the next up applies it again", async () => {
        const { asked, imported, left } = await recovered([
            pending("kubernetes:core/v1:Service", "web-service", { metadata: { name: "sms-web", namespace: "sms" } }),
        ]);
        assert.deepEqual(asked.at(-1), ["stack", "import"]);
        assert.deepEqual(imported, { version: 3, deployment: { resources: others, pending_operations: [] } });
        assert.deepEqual(left, []);
    });

    it("leaves an object that the next up deletes if Pulumi named it, as after a replacement", async () => {
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

    it("is reported if only the cloud has the id", async () => {
        const instance = "alicloud:kvstore/instance:Instance";
        const { imported, left } = await recovered([pending(instance, "redis-instance", { instanceName: "sms" })]);
        assert.deepEqual(imported?.deployment, { resources: others, pending_operations: [] });
        assert.deepEqual(left, [urn(instance, "redis-instance")]);
    });

    it("needs no action if it was an update or a deletion: the next up repeats it", async () => {
        const { asked } = await recovered([{ ...pending("kubernetes:core/v1:Service", "s"), type: "updating" }]);
        assert.deepEqual(asked, [["stack", "export"]]);
    });
});
