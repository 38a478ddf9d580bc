import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { AcrRegistry } from "../../components/registry";
import { deploy, resolve, types } from "./deployed";

describe("the registry on Alibaba Cloud", () => {
    const registry = () =>
        new AcrRegistry("registry", {
            instanceId: "cri-1",
            instanceName: "my-registry",
            region: "cn-hangzhou",
            namespace: "team",
            repository: "sms",
            username: "robot",
            password: pulumi.secret("pw"),
            protect: true,
        });

    it("is a private namespace with a private repository, in an instance that is there", async () => {
        const { deployed } = await deploy(registry);
        assert.deepEqual(deployed.listed(), [
            "registry (sms:registry:Acr)",
            `registry-namespace (${types.registryNamespace})`,
            `registry-repository (${types.registryRepository})`,
        ]);
        const namespace = deployed.one(types.registryNamespace);
        assert.deepEqual(namespace.inputs, { instanceId: "cri-1", name: "team", autoCreate: false, defaultVisibility: "PRIVATE" });
        const repository = deployed.one(types.registryRepository);
        assert.deepEqual(repository.inputs, {
            instanceId: "cri-1",
            namespace: "team",
            name: "sms",
            repoType: "PRIVATE",
            summary: "The sms product",
        });
        assert.deepEqual(repository.dependencies, ["registry-namespace"]);
        assert.deepEqual([namespace.parent, repository.parent], ["registry", "registry"]);
    });

    it("is pushed to by its public host and pulled from by the VPC's", async () => {
        const { result } = await deploy(registry);
        assert.equal(result.push, "my-registry-registry.cn-hangzhou.cr.aliyuncs.com");
        assert.equal(result.pull, "my-registry-registry-vpc.cn-hangzhou.cr.aliyuncs.com");
        assert.deepEqual(await resolve(result.repository), { value: "team/sms", secret: false });
    });

    it("keeps the given credentials, which last, and asks for none that don't", async () => {
        const { result, deployed } = await deploy(registry);
        assert.equal(result.username, "robot");
        assert.deepEqual(await resolve(pulumi.output(result.password)), { value: "pw", secret: true });
        assert.doesNotMatch(JSON.stringify(deployed.resources), /"pw"/);
    });
});
