import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { firstFree } from "../../lab/machine/ports";

describe("the registry's port", () => {
    const taken = createServer();
    before(async () => {
        taken.listen(0, "127.0.0.1");
        await once(taken, "listening");
    });
    after(() => taken.close());

    it("is the next one if the first is in use, and undefined if all are in use", async () => {
        const { port } = taken.address() as AddressInfo;
        const next = await firstFree([port, port + 1, port + 2]);
        assert.ok(next === port + 1 || next === port + 2, `${next} after ${port}`);
        assert.equal(await firstFree([port]), undefined);
    });
});
