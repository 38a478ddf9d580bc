import assert from "node:assert/strict";
import { podTemplate } from "../../components/podTemplate";
import { ServiceAccount } from "../../components/serviceAccount";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";
import { runProgram } from "../../lab/fixtures/program";
import { localSecrets, stackFile } from "../../lab/fixtures/stackFile";
import { labels, scraped } from "./appArgs";
import { problemsOf, settingsOf } from "./smallest";

const serviceAccount = "kubernetes:core/v1:ServiceAccount";

describe("the app's ServiceAccount", () => {
    it("is one that can't call the cluster's API, and no other resource", async () => {
        const { deployed, result } = await deploy(() => new ServiceAccount("service-account", { namespace: "sms" }));
        assert.deepEqual(deployed.listed(), [
            "service-account (sms:serviceAccount:ServiceAccount)",
            `service-account-account (${serviceAccount})`,
        ]);
        assert.deepEqual(deployed.one(serviceAccount).inputs, {
            apiVersion: "v1",
            kind: "ServiceAccount",
            metadata: { name: "sms", namespace: "sms" },
            automountServiceAccountToken: false,
        });
        assert.equal(deployed.one(serviceAccount).parent, "service-account");
        assert.deepEqual([await resolve(result.name), result.ramRole], [{ value: "sms", secret: false }, undefined]);
    });

    it("names its RAM role in Alibaba Cloud", async () => {
        const { deployed, result } = await deploy(() => new ServiceAccount("service-account", { namespace: "sms", ramRole: "sms-pods" }));
        assert.deepEqual(deployed.one(serviceAccount).inputs.metadata, {
            name: "sms",
            namespace: "sms",
            annotations: { "pod-identity.alibabacloud.com/role-name": "sms-pods" },
        });
        assert.equal(result.ramRole, "sms-pods");
    });

    const podOf = (identity: object) => {
        const { metadata, spec } = podTemplate({
            name: "sms-web",
            gracePeriodSeconds: 30,
            pullSecret: "pull-secret",
            container: { image: "sms:1" },
            volumes: [],
            metricsPort: 8005,
            ...identity,
        }) as { metadata: object; spec: { serviceAccountName?: string; automountServiceAccountToken: boolean } };
        return { metadata, account: spec.serviceAccountName, mounts: spec.automountServiceAccountToken };
    };

    it("is the pod's, which still mounts no token of the cluster", () => {
        assert.deepEqual(podOf({ identity: { name: "sms" } }), {
            metadata: { labels: labels("sms-web"), annotations: scraped("8005") },
            account: "sms",
            mounts: false,
        });
        assert.equal(podOf({}).account, undefined);
    });

    it("gives the role's token to the pod's app container, and not to the log collector", () => {
        assert.deepEqual(podOf({ identity: { name: "sms", ramRole: "sms-pods" } }), {
            metadata: {
                labels: { ...labels("sms-web"), "pod-identity.alibabacloud.com/injection": "on" },
                annotations: { ...scraped("8005"), "pod-identity.alibabacloud.com/only-containers": "sms-web" },
            },
            account: "sms",
            mounts: false,
        });
    });

    it("exists before the app's pods, which all have it; the stores have none", async () => {
        const file = { ...stackFile("local"), serviceAccount: '{"ramRole":"sms-pods"}' };
        const { deployed } = await runProgram("local", file, localSecrets);
        const kinds: string[] = [types.deployment, types.statefulSet, types.job];
        const pods = deployed.resources.filter(({ type }) => kinds.includes(type));
        const accountOf = ({ name, inputs, dependencies }: (typeof pods)[number]) => [
            name,
            inputs.spec.template.spec.serviceAccountName ?? "none",
            inputs.spec.template.metadata.labels["pod-identity.alibabacloud.com/injection"] ?? "off",
            dependencies.includes("service-account-account"),
        ];
        assert.deepEqual(pods.map(accountOf).sort(), [
            ["beat-deployment", "sms", "on", true],
            ["mongo-statefulset", "none", "off", false],
            ["preparation-job", "sms", "on", true],
            ["redis-statefulset", "none", "off", false],
            ["web-deployment", "sms", "on", true],
            ["worker-deployment", "sms", "on", true],
        ]);
    });

    it("isn't created without the setting", async () => {
        const { deployed } = await runProgram("local", stackFile("local"), localSecrets);
        assert.deepEqual(
            deployed.resources.filter(({ type }) => type === serviceAccount),
            [],
        );
        assert.equal("serviceAccount" in settingsOf(), false);
    });

    const allowed = "allowed: a RAM role's name of letters, digits and . _ -, 64 characters at most, not its ARN";
    const set = (name: string) => `pulumi config set --path 'sms:serviceAccount.ramRole' ${name} --stack online`;

    it("accepts a role's name, and names the role if an ARN is given", () => {
        assert.deepEqual(settingsOf({ serviceAccount: { ramRole: "sms-Pods_1.a" } }).serviceAccount, { ramRole: "sms-Pods_1.a" });
        assert.deepEqual(problemsOf({ serviceAccount: { ramRole: "acs:ram::123:role/sms-pods" } }), [
            `sms:serviceAccount.ramRole is "acs:ram::123:role/sms-pods"; ${allowed}; did you mean sms-pods? | ${set("sms-pods")}`,
        ]);
        assert.deepEqual(problemsOf({ serviceAccount: { ramRole: "a".repeat(65) } }), [
            `sms:serviceAccount.ramRole is "${"a".repeat(59)}…; ${allowed} | ${set("sms-pods")}`,
        ]);
    });
});
