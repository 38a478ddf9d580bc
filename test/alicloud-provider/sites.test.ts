import { strict as assert } from "node:assert";
import { machineSite } from "../../lab/rehearsal/alicloud-provider/sites";

describe("the machine as the cloud's site", () => {
    it("gives each store an address of its vSwitch, because NetworkPolicies allow only those", async () => {
        const first = await machineSite.place(6379, "10.1.0.0/24", []);
        assert.deepEqual(first, { address: "10.1.0.254", port: 6379 });
        assert.deepEqual(await machineSite.place(3717, "10.1.0.0/24", [first]), { address: "10.1.0.253", port: 3717 });
        assert.deepEqual(await machineSite.place(3717, "172.16.4.8/29", []), { address: "172.16.4.14", port: 3717 });
    });

    it("has only as many addresses as the vSwitch", async () => {
        const taken = [9, 10, 11, 12, 13, 14].map((last) => ({ address: `172.16.4.${last}`, port: 6379 }));
        await assert.rejects(machineSite.place(6379, "172.16.4.8/29", taken), /All addresses of 172\.16\.4\.8\/29 are taken/);
    });
});
