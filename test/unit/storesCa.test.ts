import assert from "node:assert/strict";
import { StoresCa } from "../../components/storesCa";
import { deploy, types } from "../../lab/fixtures/deployed";

describe("The stores' certificates", () => {
    it("are in a ConfigMap whose name changes with them", async () => {
        const { deployed } = await deploy(() => new StoresCa("stores-ca", { namespace: "sms", pem: "-----BEGIN CERTIFICATE-----" }));
        const { inputs } = deployed.one(types.configMap);
        assert.deepEqual(inputs.data, { "ca.pem": "-----BEGIN CERTIFICATE-----" });
        assert.deepEqual([inputs.metadata, inputs.immutable], [{ namespace: "sms" }, true]);
    });

    it("are read from their mount path", async () => {
        const { result } = await deploy(() => new StoresCa("stores-ca", { namespace: "sms", pem: "" }));
        assert.deepEqual([result.file, result.volume.mountPath], ["/etc/sms/stores-ca/ca.pem", "/etc/sms/stores-ca"]);
    });
});
