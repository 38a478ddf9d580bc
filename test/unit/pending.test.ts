import assert from "node:assert/strict";
import { clearPending } from "../../machine/pending";

const urn = (type: string, name: string) => `urn:pulumi:online::sms::sms:web:Web$${type}::${name}`;

function pending(type: string, name: string) {
    return { type: "creating", resource: { urn: urn(type, name), type } };
}

/** What `pulumi` is asked, and what is left. */
async function recovered(operations: object[]): Promise<{ asked: string[][]; left: readonly string[] }> {
    const asked: string[][] = [];
    const left = await clearPending(async (args) => {
        asked.push([...args]);
        return { stdout: JSON.stringify({ deployment: operations.length > 0 ? { pending_operations: operations } : {} }) };
    });
    return { asked, left };
}

describe("what a killed up was making", () => {
    it("is nothing where only the lock is left", async () => {
        const { asked, left } = await recovered([]);
        assert.deepEqual(asked, [
            ["cancel", "--yes"],
            ["stack", "export"],
        ]);
        assert.deepEqual(left, []);
    });

    it("needs nothing more where it is Kubernetes' own: the next up applies it by its name", async () => {
        const { asked, left } = await recovered([pending("kubernetes:core/v1:Service", "web-service")]);
        assert.deepEqual(asked.at(-1), ["refresh", "--clear-pending-creates", "--yes", "--skip-preview", "--non-interactive"]);
        assert.deepEqual(left, []);
    });

    it("is named where only the cloud knows its id", async () => {
        const instance = "alicloud:kvstore/instance:Instance";
        const { asked, left } = await recovered([pending(instance, "redis-instance")]);
        assert.deepEqual(asked.at(-1), ["refresh", "--clear-pending-creates", "--yes", "--skip-preview", "--non-interactive"]);
        assert.deepEqual(left, [urn(instance, "redis-instance")]);
    });

    it("is left alone where it was being changed or deleted: the next up does it again", async () => {
        const { asked } = await recovered([{ ...pending("kubernetes:core/v1:Service", "s"), type: "updating" }]);
        assert.equal(asked.length, 2);
    });
});
