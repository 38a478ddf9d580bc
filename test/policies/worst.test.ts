/** The most dangerous additions to this program. The policies of the pack refuse each of them. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { resourcePolicies } from "../../policies/all";
import type { Inputs, Resource } from "../../policies/policy";
import { nobodyMayEverything } from "../../policies/rights";
import { deployment, faultsOf, goodContainer, goodPod, mongo, redis, resource } from "./resources";

const balancer = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";
const service = (spec: Inputs, annotations: Inputs = {}) =>
    resource("kubernetes:core/v1:Service", "x", { metadata: { annotations }, spec });
const encrypted = { [`${balancer}protocol-port`]: "tcpssl:443" };
const security = (own: Inputs) => deployment({ container: { securityContext: { ...goodContainer.securityContext, ...own } } });
const rbac = (kind: string, inputs: Inputs) => resource(`kubernetes:rbac.authorization.k8s.io/v1:${kind}`, "x", inputs);
const ram = (statement: Inputs) =>
    resource("alicloud:ram/policy:Policy", "x", { policyDocument: JSON.stringify({ Version: "1", Statement: [statement] }) });

const worst: Record<string, [resource: Resource, because: RegExp]> = {
    "a privileged pod": [security({ privileged: true }), /allowPrivilegeEscalation: false/],
    "a pod that is root": [security({ runAsUser: 0 }), /runAsNonRoot: true/],
    "a pod with a folder of the node": [
        deployment({ pod: { volumes: [{ name: "node", hostPath: { path: "/" } }] } }),
        /volume node is a folder of the node \(hostPath\)/,
    ],
    "a pod in the node's network": [deployment({ pod: { hostNetwork: true } }), /hostNetwork is true/],
    "a pod with a token for the cluster": [
        deployment({ pod: { ...goodPod, automountServiceAccountToken: true } }),
        /automountServiceAccountToken is not false/,
    ],
    "the image latest": [deployment({ container: { image: "registry.example.com/sms:latest" } }), /is registry.example.com\/sms:latest/],
    "a password in a plain variable": [
        deployment({ container: { env: [{ name: "REDIS_PASSWORD", value: "hunter2" }] } }),
        /has a credential in the variable REDIS_PASSWORD/,
    ],
    "a password in a ConfigMap": [
        resource("kubernetes:core/v1:ConfigMap", "x", { data: { url: "redis://:hunter2@redis:6379" } }),
        /has an address with a password in url/,
    ],
    "a load balancer on the internet without a list": [
        service({ type: "LoadBalancer" }, encrypted),
        /answers everybody on the internet; allowed: sms:loadBalancer.securityGroupIds/,
    ],
    "plain HTTP to the internet": [service({ type: "LoadBalancer" }), /answers the internet without encryption/],
    "a load balancer for 0.0.0.0/0": [
        service({ type: "LoadBalancer", loadBalancerSourceRanges: ["0.0.0.0/0"] }, encrypted),
        /answers 0\.0\.0\.0\/0, which is everybody/,
    ],
    "a security group that lets 0.0.0.0/0 in": [
        resource("alicloud:ecs/securityGroupRule:SecurityGroupRule", "x", { type: "ingress", ipProtocol: "tcp", cidrIp: "0.0.0.0/0" }),
        /lets 0\.0\.0\.0\/0 in, which is everybody/,
    ],
    "a store that admits 0.0.0.0/0": [redis({ securityIps: ["0.0.0.0/0"] }), /admits 0\.0\.0\.0\/0/],
    "a store without a VPC": [mongo({ vswitchId: undefined }), /has no vswitchId/],
    "a store with a public address": [resource("alicloud:kvstore/connection:Connection", "x", {}), /gives Redis a public address/],
    "metrics on every node": [service({ type: "NodePort", ports: [{ port: 8005 }] }), /opens the port 8005 as a NodePort/],
    "a NetworkPolicy that lets everybody in": [
        resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "x", { spec: { podSelector: {}, ingress: [{}] } }),
        /lets everybody in/,
    ],
    "a binding to cluster-admin": [rbac("ClusterRoleBinding", { roleRef: { name: "cluster-admin" } }), /gives cluster-admin/],
    "a role that may everything": [
        rbac("Role", { rules: [{ apiGroups: [""], resources: ["*"], verbs: ["*"] }] }),
        /allows "\*" in resources; allowed: names/,
    ],
    "a RAM policy that allows everything": [ram({ Effect: "Allow", Action: "*", Resource: "*" }), /allows the action "\*"/],
    "an administrator": [
        resource("alicloud:ram/userPolicyAttachment:UserPolicyAttachment", "x", { policyName: "AdministratorAccess" }),
        /gives AdministratorAccess/,
    ],
    "an AccessKey in the state": [resource("alicloud:ram/accessKey:AccessKey", "x", {}), /makes an AccessKey/],
    "a bucket for everybody": [resource("alicloud:oss/bucketAcl:BucketAcl", "x", { acl: "public-read" }), /is public-read/],
};

describe("the policies refuse", () => {
    for (const [what, [resource, because]] of Object.entries(worst)) {
        it(what, () => {
            const faults = resourcePolicies.flatMap((policy) => faultsOf(policy, resource));
            assert.ok(
                faults.some((fault) => because.test(fault)),
                `${faults}`,
            );
        });
    }
});

describe("no-wildcard-rights", () => {
    it("accepts the RAM policies that going online needs", () => {
        for (const file of readdirSync("docs/ram")) {
            const policyDocument = readFileSync(`docs/ram/${file}`, "utf8");
            assert.deepEqual(faultsOf(nobodyMayEverything, resource("alicloud:ram/policy:Policy", file, { policyDocument })), [], file);
        }
    });

    it("accepts a role that names its resources", () => {
        const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }];
        assert.deepEqual(faultsOf(nobodyMayEverything, rbac("Role", { rules }), rbac("RoleBinding", { roleRef: { name: "reader" } })), []);
    });
});
