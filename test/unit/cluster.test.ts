import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { accessTo, providerAccess } from "../../components/cluster";
import { deploy, resolve } from "./deployed";

describe("the way into the cluster", () => {
    it("is a kubeconfig's context", async () => {
        const { result } = await deploy(() => accessTo({ context: "my-cluster", kubeconfig: "./kubeconfig" }, {}));
        assert.deepEqual(result, { context: "my-cluster", kubeconfig: "./kubeconfig" });
    });

    it("says what is needed where Alibaba Cloud gives no kubeconfig, without a stack trace", async () => {
        const { result } = await deploy(() => accessTo({ kind: "ack", id: "c-refused" }, {}).catch((error: Error) => error));
        assert.ok(pulumi.RunError.isInstance(result));
        assert.match(
            result.message,
            /^Alibaba Cloud gives no kubeconfig for the ACK cluster c-refused \(sms:cluster\.id\)[\s\S]*ALICLOUD_ACCESS_KEY[\s\S]*cs:DescribeClusterUserKubeconfig[\s\S]*It said: .*Forbidden\.RAM/,
        );
    });

    it("is the kubeconfig that Alibaba Cloud gives for a cluster's id, a secret though it doesn't say so", async () => {
        const { result } = await deploy(() => accessTo({ kind: "ack", id: "c0123456789" }, {}));
        assert.deepEqual(result, { content: "kubeconfig of c0123456789" });
        const { kubeconfig, ...others } = providerAccess(result);
        assert.deepEqual(await resolve(pulumi.output(kubeconfig)), { value: "kubeconfig of c0123456789", secret: true });
        assert.deepEqual(others, {});
    });
});
