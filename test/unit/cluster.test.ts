import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { accessTo, providerAccess } from "../../components/cluster";
import { deploy, resolve } from "../../lab/fixtures/deployed";

describe("the connection to the cluster", () => {
    it("is a kubeconfig's context", async () => {
        const { result } = await deploy(() => accessTo({ context: "my-cluster", kubeconfig: "./kubeconfig" }, {}));
        assert.deepEqual(result, { context: "my-cluster", kubeconfig: "./kubeconfig" });
    });

    it("reports what is needed if Alibaba Cloud gives no kubeconfig, without a stack trace", async () => {
        const { result } = await deploy(() => accessTo({ kind: "ack", id: "c-refused" }, {}).catch((error: Error) => error));
        assert.ok(pulumi.RunError.isInstance(result));
        assert.match(
            result.message,
            /^Alibaba Cloud gives no kubeconfig for the ACK cluster c-refused \(sms:cluster\.id\)[\s\S]*a connection to cs\.<region>\.aliyuncs\.com[\s\S]*ALICLOUD_ACCESS_KEY[\s\S]*cs:DescribeClusterUserKubeconfig[\s\S]*Its answer: .*Forbidden\.RAM/,
        );
    });

    it("is the kubeconfig of Alibaba Cloud for a cluster's id, which is made a secret", async () => {
        const { result } = await deploy(() => accessTo({ kind: "ack", id: "c0123456789" }, {}));
        assert.deepEqual(result, { content: "kubeconfig of c0123456789" });
        const { kubeconfig, ...others } = providerAccess(result);
        assert.deepEqual(await resolve(pulumi.output(kubeconfig)), { value: "kubeconfig of c0123456789", secret: true });
        assert.deepEqual(others, {});
    });
});
