import assert from "node:assert/strict";
import { cidrsOf, type Network, NewNetwork, vSwitchIn } from "../../components/network";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";

describe("a new network", () => {
    const tags = { product: "sms" };
    const args = {
        vpcName: "sms-online",
        cidr: "10.1.0.0/16",
        vSwitches: [
            { zone: "cn-hangzhou-h", cidr: "10.1.0.0/24" },
            { zone: "cn-hangzhou-i", cidr: "10.1.1.0/24" },
        ],
        podCidr: "172.20.0.0/16",
        tags,
    };
    const network = () => new NewNetwork("network", args);

    it("is a VPC with a vSwitch in each zone", async () => {
        const { deployed } = await deploy(network);
        assert.deepEqual(deployed.listed(), [
            "network (sms:network:New)",
            `network-cn-hangzhou-h (${types.vSwitch})`,
            `network-cn-hangzhou-i (${types.vSwitch})`,
            `network-vpc (${types.vpc})`,
        ]);
        assert.deepEqual(deployed.one(types.vpc).inputs, { vpcName: "sms-online", cidrBlock: "10.1.0.0/16", tags });
        assert.deepEqual(deployed.one(types.vSwitch, "network-cn-hangzhou-i").inputs, {
            vswitchName: "sms-online-cn-hangzhou-i",
            vpcId: "network-vpc-id",
            zoneId: "cn-hangzhou-i",
            cidrBlock: "10.1.1.0/24",
            tags,
        });
        for (const name of ["network-vpc", "network-cn-hangzhou-h", "network-cn-hangzhou-i"]) {
            assert.equal(deployed.resources.find((resource) => resource.name === name)?.parent, "network");
        }
    });

    it("has outputs with its id and the vSwitch of each zone", async () => {
        const { result } = await deploy(network);
        assert.deepEqual(await resolve(result.vpcId), { value: "network-vpc-id", secret: false });
        const id = vSwitchIn(result, "cn-hangzhou-i") as typeof result.vpcId;
        assert.deepEqual(await resolve(id), { value: "network-cn-hangzhou-i-id", secret: false });
    });

    it("contains nodes and pods", async () => {
        const { result } = await deploy(network);
        assert.deepEqual(cidrsOf(result), ["10.1.0.0/24", "10.1.1.0/24", "172.20.0.0/16"]);
    });
});

describe("an existing network", () => {
    const network: Network = { vpcId: "vpc-1", vSwitches: [{ id: "vsw-1", zone: "cn-hangzhou-h", cidr: "10.1.0.0/24" }] };

    it("may have pods in its vSwitches", () => {
        assert.deepEqual(cidrsOf(network), ["10.1.0.0/24"]);
    });

    it("is refused if a store has no vSwitch, so that the store can't be outside the VPC", () => {
        assert.throws(() => vSwitchIn(network, "cn-hangzhou-i"), /no vSwitch in cn-hangzhou-i/);
    });
});
