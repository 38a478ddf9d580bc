import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { AcrRegistry } from "../../components/registry";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";

describe("the registry on Alibaba Cloud", () => {
    const registry = (immutableTags?: boolean) =>
        new AcrRegistry("registry", {
            immutableTags,
            instanceId: "cri-1",
            instanceName: "my-registry",
            region: "cn-hangzhou",
            namespace: "team",
            repository: "sms",
            account: { username: "robot", password: pulumi.secret("pw") },
            protect: true,
        });

    it("is a private namespace with a private repository, in an existing instance", async () => {
        const { deployed } = await deploy(() => registry());
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

    it("refuses to overwrite tags if asked, and otherwise leaves the cloud's setting", async () => {
        const { deployed } = await deploy(() => registry(true));
        assert.equal(deployed.one(types.registryRepository).inputs.tagImmutability, true);
        const { deployed: other } = await deploy(() => registry());
        assert.ok(!("tagImmutability" in other.one(types.registryRepository).inputs));
    });

    it("has a public host for pushes and a host in the VPC for pulls", async () => {
        const { result } = await deploy(() => registry());
        assert.equal(result.push, "my-registry-registry.cn-hangzhou.cr.aliyuncs.com");
        assert.equal(result.pull, "my-registry-registry-vpc.cn-hangzhou.cr.aliyuncs.com");
        assert.deepEqual(await resolve(result.repository), { value: "team/sms", secret: false });
    });

    it("uses the given permanent credentials, and requests no temporary ones", async () => {
        const { result, deployed } = await deploy(() => registry());
        assert.equal(result.account.username, "robot");
        assert.deepEqual(await resolve(pulumi.output(result.account.password)), { value: "pw", secret: true });
        assert.doesNotMatch(JSON.stringify(deployed.resources), /"pw"/);
    });
});
