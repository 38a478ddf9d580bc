import assert from "node:assert/strict";
import { runtime } from "@pulumi/pulumi";
import { resourcePolicies } from "../../policies/all";
import { beatRunsAlone, oneBeat } from "../../policies/beat";
import { internetIsEncrypted, strangersAreRefused } from "../../policies/entrance";
import { lostWithType } from "../../policies/lost";
import { namespacesAreClosed } from "../../policies/namespaces";
import { enforced, type Inputs, type Resource, type ResourcePolicy, unknown } from "../../policies/policy";
import { credentialsInSecrets } from "../../policies/secrets";
import { admitsEverybody, dataIsProtected, storesAdmitOnlyNamed, storesArePrivate, storesPayAsTheyGo } from "../../policies/stores";
import { imagesByDigest, podsAreRestricted, probesOnContainers, requestsAndLimits } from "../../policies/workloads";
import { beat, deployment, faultsOf, goodContainer, goodPod, mongo, redis, resource } from "./resources";

describe("the policies", () => {
    it("accept everything that the program deploys", () => {
        for (const policy of resourcePolicies) {
            assert.deepEqual(faultsOf(policy, deployment({}), beat(), redis(), mongo()), [], policy.name);
        }
    });

    it("accept values that are unknown until the update", () => {
        const unknownContainer = { ...goodContainer, image: unknown, resources: unknown, securityContext: unknown, env: [unknown] };
        const all = [
            deployment({ container: unknownContainer }),
            resource("kubernetes:apps/v1:Deployment", "web", { spec: unknown }),
            redis({ securityIps: unknown, vswitchId: unknown, instanceReleaseProtection: unknown }),
            mongo({ securityIpLists: unknown, vswitchId: unknown }),
        ];
        for (const policy of resourcePolicies) {
            assert.deepEqual(faultsOf(policy, ...all), [], policy.name);
        }
    });

    it("report all faults of a resource together, each with the allowed values", () => {
        const container = { image: "sms:latest", resources: {}, readinessProbe: undefined };
        const faults = resourcePolicies.flatMap((policy) => faultsOf(policy, deployment({ container })));
        assert.equal(faults.length, 6);
    });
});

describe("strangers-refused", () => {
    const open = (value: unknown, isProduction = true) =>
        faultsOf(strangersAreRefused, deployment({ container: { env: [{ name: "OPEN_TO_ANYBODY", value }] }, isProduction }));

    it("refuses a product that is open to anybody in production", () => {
        const fault =
            "Deployment sms-web: container sms-web is open to anybody (OPEN_TO_ANYBODY); allowed: sms:clients in place of sms:openToAnybody";
        for (const value of ["true", "1", "yes"]) {
            assert.deepEqual(open(value), [fault]);
        }
    });

    it("allows it in other environments", () => {
        assert.deepEqual([open("true", false), open("false"), open("")], [[], [], []]);
    });
});

describe("images-by-digest", () => {
    const image = (name: string | undefined, isProduction = true) =>
        faultsOf(imagesByDigest, deployment({ container: { image: name }, isProduction }));

    it("refuses a tag in production", () => {
        assert.deepEqual(image("registry.example.com/sms:abc"), [
            "Deployment sms-web: the image of container sms-web is registry.example.com/sms:abc; allowed: name:version@sha256:…",
        ]);
    });

    it("accepts a fixed version in other environments, and refuses latest and a missing tag", () => {
        assert.deepEqual(image("redis:7.0", false), []);
        assert.equal(image("redis:latest", false).length, 1);
        assert.equal(image("127.0.0.1:5000/redis", false).length, 1);
        assert.equal(image(undefined, false).length, 1);
    });

    it("accepts a fixed version for a sidecar in production, and refuses latest", () => {
        const sidecar = (tag: string) =>
            deployment({ pod: { initContainers: [{ ...goodContainer, name: "logs", image: `otel:${tag}` }] } });
        assert.deepEqual(faultsOf(imagesByDigest, sidecar("0.128.0")), []);
        assert.deepEqual(faultsOf(imagesByDigest, sidecar("latest")), [
            "Deployment sms-web: the image of container logs is otel:latest; allowed: name:version or name@sha256:…",
        ]);
    });

    it("checks Jobs, CronJobs, StatefulSets and Pods, too", () => {
        const spec = { ...goodPod, containers: [{ ...goodContainer, image: "sms:1" }] };
        const template = { spec: { template: { spec } } };
        const all = [
            resource("kubernetes:batch/v1:Job", "job", template),
            resource("kubernetes:batch/v1:CronJob", "cron", { spec: { jobTemplate: template } }),
            resource("kubernetes:apps/v1:StatefulSet", "set", template),
            resource("kubernetes:core/v1:Pod", "pod", { spec }),
        ];
        assert.equal(faultsOf(imagesByDigest, ...all).length, 4);
    });
});

describe("requests-and-limits", () => {
    it("refuses a container without one of the four values, also a sidecar", () => {
        const { requests } = goodContainer.resources;
        assert.deepEqual(faultsOf(requestsAndLimits, deployment({ container: { resources: { requests, limits: { cpu: "1" } } } })), [
            "Deployment sms-web: container sms-web has no resources.limits.memory",
        ]);
        const pod = { initContainers: [{ ...goodContainer, name: "logs", resources: undefined }] };
        assert.equal(faultsOf(requestsAndLimits, deployment({ pod })).length, 4);
    });
});

describe("probes", () => {
    it("refuses a Service's container without a readiness or liveness probe", () => {
        assert.deepEqual(faultsOf(probesOnContainers, deployment({ container: { readinessProbe: undefined, livenessProbe: undefined } })), [
            "Deployment sms-web: container sms-web has no readinessProbe",
            "Deployment sms-web: container sms-web has no livenessProbe",
        ]);
    });

    it("requires none of a Job, which ends", () => {
        const container = { ...goodContainer, readinessProbe: undefined, livenessProbe: undefined };
        const job = resource("kubernetes:batch/v1:Job", "job", { spec: { template: { spec: { ...goodPod, containers: [container] } } } });
        assert.deepEqual(faultsOf(probesOnContainers, job), []);
    });
});

describe("restricted-pods", () => {
    const refuses = (words: RegExp, change: { container?: Inputs; pod?: Inputs }) => {
        const faults = faultsOf(podsAreRestricted, deployment(change));
        assert.equal(faults.length, 1, faults.join("\n"));
        assert.match(faults[0] ?? "", words);
    };
    const own = goodContainer.securityContext;
    const pod = goodPod.securityContext;

    it("refuses root, as a setting, as a default and as a number", () => {
        refuses(/runAsNonRoot: true/, { pod: { securityContext: { ...pod, runAsNonRoot: undefined } } });
        refuses(/runAsNonRoot: true/, { container: { securityContext: { ...own, runAsNonRoot: false } } });
        refuses(/runAsNonRoot: true/, { container: { securityContext: { ...own, runAsUser: 0 } } });
    });

    it("refuses more rights and a writable image", () => {
        refuses(/allowPrivilegeEscalation: false/, { container: { securityContext: { ...own, allowPrivilegeEscalation: undefined } } });
        refuses(/allowPrivilegeEscalation: false/, { container: { securityContext: { ...own, privileged: true } } });
        refuses(/readOnlyRootFilesystem: true/, { container: { securityContext: { ...own, readOnlyRootFilesystem: false } } });
        refuses(/drop: \[ALL\]/, { container: { securityContext: { ...own, capabilities: { drop: ["NET_RAW"] } } } });
        refuses(/drop: \[ALL\]/, { container: { securityContext: { ...own, capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } } } });
        refuses(/seccompProfile/, { pod: { securityContext: { ...pod, seccompProfile: { type: "Unconfined" } } } });
    });

    it("refuses the node's network, processes and folders, and an unneeded token", () => {
        refuses(/hostNetwork is true/, { pod: { hostNetwork: true } });
        refuses(/hostPID is true/, { pod: { hostPID: true } });
        refuses(/volume docker is a folder of the node/, { pod: { volumes: [{ name: "docker", hostPath: { path: "/var/run" } }] } });
        refuses(/automountServiceAccountToken/, { pod: { automountServiceAccountToken: undefined } });
    });
});

describe("beat-alone", () => {
    it("refuses a second replica, and a rollout with two beats at a time", () => {
        assert.deepEqual(faultsOf(beatRunsAlone, beat({ replicas: 2 })), ["sms-web runs beat with 2 replicas; allowed: 1"]);
        assert.deepEqual(faultsOf(beatRunsAlone, beat({ strategy: undefined })), [
            "sms-web runs beat with the strategy RollingUpdate, so two at a time; allowed: Recreate",
        ]);
    });

    it("detects a beat inside a worker", () => {
        const worker = (...more: string[]) =>
            deployment({ container: { command: ["celery", "--app", "sms.celery", "worker", ...more] }, spec: { strategy: undefined } });
        assert.deepEqual(faultsOf(beatRunsAlone, worker()), []);
        assert.equal(faultsOf(beatRunsAlone, worker("--beat")).length, 2);
        assert.equal(faultsOf(beatRunsAlone, deployment({ container: { command: ["sh", "-c", "celery -A app worker -B"] } })).length, 2);
    });

    it("refuses a beat that is not a Deployment", () => {
        const { inputs } = beat();
        assert.match(faultsOf(beatRunsAlone, resource("kubernetes:apps/v1:StatefulSet", "beat", inputs))[0] ?? "", /allowed: a Deployment/);
    });
});

describe("one-beat", () => {
    const worker = deployment({ container: { command: ["celery", "--app", "sms.celery", "worker"] } });

    it("accepts one, and a stack without Celery", () => {
        assert.deepEqual(oneBeat.faults([worker, beat()]), []);
        assert.deepEqual(oneBeat.faults([redis()]), []);
    });

    it("refuses two, and workers without a beat", () => {
        assert.deepEqual(oneBeat.faults([worker, beat(), beat()]), ["The stack has 2 beats: sms-web, sms-web; allowed: 1"]);
        assert.deepEqual(oneBeat.faults([worker]), ["The stack has 0 beats; allowed: 1"]);
    });
});

describe("stores-private", () => {
    it("refuses a public address, however it is set", () => {
        const all = [
            resource("alicloud:kvstore/connection:Connection", "redis-public", {}),
            resource("alicloud:mongodb/publicNetworkAddress:PublicNetworkAddress", "mongo-public", {}),
            redis({ enablePublic: true }),
            redis({ vswitchId: undefined }),
            mongo({ vswitchId: undefined }),
            redis({ vpcAuthMode: "Close" }),
        ];
        assert.deepEqual(faultsOf(storesArePrivate, ...all), [
            "redis-public gives Redis a public address; allowed: none",
            "mongo-public gives MongoDB a public address; allowed: none",
            "Redis redis-instance has enablePublic; allowed: false",
            "Redis redis-instance has no vswitchId, and so no VPC; allowed: a vSwitch of the VPC",
            "MongoDB mongo-instance has no vswitchId, and so no VPC; allowed: a vSwitch of the VPC",
            "Redis redis-instance requires no password (vpcAuthMode is Close); allowed: Open",
        ]);
    });

    it("refuses a store in the cluster with a port on every node", () => {
        const service = (spec: Inputs) => resource("kubernetes:core/v1:Service", "redis", { metadata: { name: "redis" }, spec });
        const ports = [{ port: 6379, targetPort: 6379 }];
        assert.deepEqual(faultsOf(storesArePrivate, service({ ports })), []);
        assert.deepEqual(faultsOf(storesArePrivate, service({ type: "NodePort", ports: [{ port: 8004 }] })), []);
        assert.deepEqual(faultsOf(storesArePrivate, service({ type: "LoadBalancer", ports })), [
            "Service redis opens the port 6379 as a LoadBalancer; allowed: ClusterIP",
        ]);
        assert.equal(faultsOf(storesArePrivate, service({ type: "NodePort", ports: [{ port: 1, targetPort: 27017 }] })).length, 1);
    });
});

describe("stores-whitelist", () => {
    it("refuses an open whitelist in every notation, and an empty one", () => {
        assert.deepEqual(faultsOf(storesAdmitOnlyNamed, redis({ securityIps: ["10.1.0.0/24", "0.0.0.0/0"] })), [
            "Redis redis-instance admits 0.0.0.0/0, which is everybody (securityIps); allowed: the vSwitches' and pods' CIDRs",
        ]);
        assert.deepEqual(faultsOf(storesAdmitOnlyNamed, mongo({ securityIpLists: [] })), [
            "MongoDB mongo-instance has no securityIpLists: nobody could connect; allowed: the vSwitches' and pods' CIDRs",
        ]);
        const groups = { securityIpLists: undefined, securityIpGroups: [{ securityIpLists: ["0.0.0.0/0"] }] };
        assert.equal(faultsOf(storesAdmitOnlyNamed, mongo(groups)).length, 1);
    });

    it("detects ranges of all or half of the addresses, in every notation", () => {
        for (const entry of ["0.0.0.0", "0.0.0.0/0", " 0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "::"]) {
            assert.equal(admitsEverybody(entry), true, entry);
        }
        for (const entry of ["10.0.0.0/8", "10.1.0.0/24", "192.168.1.7", "127.0.0.1"]) {
            assert.equal(admitsEverybody(entry), false, entry);
        }
    });
});

describe("data-protected", () => {
    const namespace = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace";

    it("refuses a store in production that the cloud or Pulumi would delete", () => {
        assert.deepEqual(faultsOf(dataIsProtected, redis({ instanceReleaseProtection: false }), mongo({}, { protect: false })), [
            "Redis redis-instance has no instanceReleaseProtection; allowed: true",
            "mongo-instance is not protected in Pulumi: its deletion would lose the messages in it; allowed: the resource option protect: true",
        ]);
    });

    it("refuses every other resource whose deletion would lose data, images or logs", () => {
        for (const type of Object.keys(lostWithType)) {
            const inputs = { instanceReleaseProtection: true, dbInstanceReleaseProtection: true };
            assert.equal(faultsOf(dataIsProtected, resource(type, "it", inputs)).length, 1, type);
            assert.deepEqual(faultsOf(dataIsProtected, resource(type, "it", inputs, { protect: true })), [], type);
        }
        assert.deepEqual(faultsOf(dataIsProtected, resource(namespace, "registry-namespace", {})), [
            "registry-namespace is not protected in Pulumi: its deletion would lose every image in it, also those that pods run and `rollback` goes back to; allowed: the resource option protect: true",
        ]);
    });

    it("refuses a store in the cluster that Pulumi would delete, or that deletes its own volumes", () => {
        const set = (spec: Inputs, protect: boolean) =>
            resource("kubernetes:apps/v1:StatefulSet", "redis-statefulset", { metadata: { name: "redis" }, spec }, { protect });
        const volumeClaimTemplates = [{ metadata: { name: "data" } }];
        const retain = { whenDeleted: "Retain", whenScaled: "Retain" };
        assert.deepEqual(
            faultsOf(dataIsProtected, set({ volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: retain }, true), set({}, false)),
            [],
        );
        assert.deepEqual(
            faultsOf(
                dataIsProtected,
                set({ volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" } }, false),
            ),
            [
                "StatefulSet redis deletes its volumes whenDeleted; allowed: Retain",
                "redis-statefulset is not protected in Pulumi: its deletion would lose the way to the data on its volumes; allowed: the resource option protect: true",
            ],
        );
    });

    it("refuses a load balancer in production that Pulumi would delete, and accepts other Services", () => {
        const service = (type: string) => resource("kubernetes:core/v1:Service", "service", { spec: { type, ports: [] } });
        assert.deepEqual(faultsOf(dataIsProtected, service("NodePort"), service("LoadBalancer")), [
            "service is not protected in Pulumi: its deletion would lose the address that customers use; allowed: the resource option protect: true",
        ]);
    });

    it("does not apply to other environments", () => {
        const loose = { isProduction: false, protect: false };
        assert.deepEqual(
            faultsOf(dataIsProtected, redis({ instanceReleaseProtection: false }, loose), resource(namespace, "it", {}, loose)),
            [],
        );
    });
});

describe("stores-pay-as-you-go", () => {
    it("refuses a store that a destroy would only forget, while its costs continue", () => {
        assert.deepEqual(faultsOf(storesPayAsTheyGo, redis({ paymentType: "PrePaid" }), mongo({ instanceChargeType: "PrePaid" })), [
            "Redis redis-instance is PrePaid; allowed: PostPaid",
            "MongoDB mongo-instance is PrePaid; allowed: PostPaid",
        ]);
    });
});

describe("credentials-in-secrets", () => {
    const container = (change: Inputs) => faultsOf(credentialsInSecrets, deployment({ container: change }));

    it("refuses passwords and connection URLs in variables, and never shows them", () => {
        const faults = container({
            env: [
                { name: "REDIS_URL", value: "redis://sms:hunter2@redis:6379/0" },
                { name: "SMTP_PASSWORD", value: "hunter2" },
            ],
        });
        assert.deepEqual(faults, [
            "Deployment sms-web: container sms-web has an address with a password in the variable REDIS_URL; allowed: a Secret",
            "Deployment sms-web: container sms-web has a credential in the variable SMTP_PASSWORD; allowed: a Secret",
        ]);
        assert.ok(!faults.join().includes("hunter2"));
    });

    it("accepts a variable from a Secret, and an address without a password", () => {
        const valueFrom = { secretKeyRef: { name: "redis", key: "password" } };
        assert.deepEqual(
            container({
                env: [
                    { name: "REDISCLI_AUTH", valueFrom },
                    { name: "SMTP_PASSWORD", valueFrom },
                ],
            }),
            [],
        );
        assert.deepEqual(container({ env: [{ name: "PROXY", value: "http://proxy.example:3128" }] }), []);
    });

    it("refuses them in arguments, which the process list shows", () => {
        assert.equal(container({ command: ["celery", "--broker", "redis://:hunter2@redis/0"] }).length, 1);
        assert.equal(container({ args: ["--password=hunter2"] }).length, 1);
        assert.equal(container({ args: ["--password", "hunter2"] }).length, 1);
        assert.deepEqual(container({ args: ["--password-file", "/run/secrets/password"] }), []);
        assert.deepEqual(container({ env: [{ name: "TOKEN_FILE", value: "/run/secrets/token" }] }), []);
    });

    it("refuses them in a ConfigMap", () => {
        const map = resource("kubernetes:core/v1:ConfigMap", "config", {
            metadata: { name: "config" },
            data: { "app.ini": "url = redis://:x@h/0" },
        });
        assert.deepEqual(faultsOf(credentialsInSecrets, map), [
            "ConfigMap config has an address with a password in app.ini; allowed: a Secret",
        ]);
    });
});

describe("an enforced policy", () => {
    it("gets the environment from the stack's settings, not its name, and treats the SDK's unknown values as unknown", () => {
        const seen: string[] = [];
        const policy: ResourcePolicy = {
            name: "watch",
            description: "",
            faults: ({ isProduction, inputs, protect }) => {
                seen.push(String(isProduction), String(inputs.image === unknown), String(protect), inputs.list.join());
                return ["one", "two"];
            },
        };
        const props = {
            list: ["a", "b"],
            get image() {
                throw Object.assign(new Error("unknown"), { unknownTypeSentinel: "x" });
            },
        };
        runtime.setAllConfig({ "sms:environment": "test" });
        const args = { urn: "urn:pulumi:online::sms::t::n", type: "t", name: "n", props, opts: { protect: true } };
        const reported: string[] = [];
        const { validateResource } = enforced(policy);
        assert.ok(typeof validateResource === "function");
        void validateResource(args as never, (message) => reported.push(message));
        assert.deepEqual([...seen, ...reported], ["false", "true", "true", "a,b", "one", "two"]);
    });

    const stacks: [what: string, config: Record<string, string>, isProduction: boolean][] = [
        ["says nothing", {}, true],
        ["is online", { "sms:environment": "online" }, true],
        ["is online, whatever else it says", { "sms:environment": "online", "sms:production": "false" }, true],
        ["is local", { "sms:environment": "local" }, false],
        ["has a name of its own and is said to be production", { "sms:environment": "live-eu", "sms:production": "true" }, true],
        ["has a name of its own and is said to be none", { "sms:environment": "staging", "sms:production": "false" }, false],
        ["has a name of its own and says no more", { "sms:environment": "staging" }, true],
        ["says what is neither true nor false", { "sms:environment": "staging", "sms:production": "no" }, true],
    ];
    for (const [what, config, isProduction] of stacks) {
        it(`judges a stack that ${what} as ${isProduction ? "production" : "no production"}`, () => {
            runtime.setAllConfig(config);
            const seen: boolean[] = [];
            const watch = (resource: Resource) => {
                seen.push(resource.isProduction);
                return [];
            };
            const { validateResource } = enforced({ name: "watch", description: "", faults: watch });
            assert.ok(typeof validateResource === "function");
            void validateResource({ type: "t", name: "n", props: {}, opts: {} } as never, () => undefined);
            assert.deepEqual(seen, [isProduction]);
        });
    }

    it("does not hide its own faults", () => {
        const props = {
            get image() {
                throw new TypeError("mistake");
            },
        };
        const { validateResource } = enforced({ name: "watch", description: "", faults: () => [] });
        assert.ok(typeof validateResource === "function");
        assert.throws(() => validateResource({ urn: "urn:pulumi:a::b::c::d", props, opts: {} } as never, () => undefined), /mistake/);
    });
});

describe("namespaces-closed", () => {
    const namespace = (isProduction = true) =>
        resource("kubernetes:core/v1:Namespace", "namespace", { metadata: { name: "sms" } }, { isProduction });
    const denial = (spec: Inputs = {}, inNamespace: unknown = "sms") =>
        resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "default-deny", {
            metadata: { name: "default-deny", namespace: inNamespace },
            spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"], ...spec },
        });
    const refusal = "Namespace sms has no NetworkPolicy that denies all; set sms:networkPolicies.enabled to true";

    it("refuses a production namespace with open ingress or egress", () => {
        assert.deepEqual(namespacesAreClosed.faults([namespace()]), [refusal]);
        assert.deepEqual(namespacesAreClosed.faults([namespace(), denial()]), []);
        assert.deepEqual(namespacesAreClosed.faults([namespace(), denial({}, unknown)]), []);
        assert.deepEqual(namespacesAreClosed.faults([namespace(false)]), []);
    });

    it("refuses open pods in production in a namespace of others, which itself may be open", () => {
        const pods = resource("kubernetes:apps/v1:Deployment", "web-deployment", { metadata: { namespace: "sms" } });
        const ofTheProduct = denial({ podSelector: { matchLabels: { "app.kubernetes.io/part-of": "sms" } } });
        assert.deepEqual(namespacesAreClosed.faults([pods]), [refusal]);
        assert.deepEqual(namespacesAreClosed.faults([pods, ofTheProduct]), []);
        assert.deepEqual(namespacesAreClosed.faults([namespace(), pods, ofTheProduct]), [refusal]);
    });

    it("does not accept policies with an open rule, for some pods only, or of another namespace", () => {
        const halfOpen = [
            denial({ policyTypes: ["Ingress"] }),
            denial({ egress: [{}] }),
            denial({ podSelector: { matchLabels: { app: "web" } } }),
            denial({}, "other"),
        ];
        for (const policy of halfOpen) {
            assert.deepEqual(namespacesAreClosed.faults([namespace(), policy]), [refusal]);
        }
    });
});

describe("internet-encrypted", () => {
    const prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";
    function loadBalancer(said: Record<string, string>, isProduction = true) {
        const annotations = Object.fromEntries(Object.entries(said).map(([key, value]) => [`${prefix}${key}`, value]));
        const inputs = { metadata: { name: "sms-load-balancer", annotations }, spec: { type: "LoadBalancer" } };
        return resource("kubernetes:core/v1:Service", "load-balancer-service", inputs, { isProduction });
    }
    const refused = ["Service sms-load-balancer answers the internet without encryption; allowed: a certificateId, or the scheme internal"];

    it("refuses plain HTTP to the internet in production", () => {
        assert.deepEqual(faultsOf(internetIsEncrypted, loadBalancer({ "address-type": "internet", "protocol-port": "tcp:80" })), refused);
    });

    it("refuses a load balancer without an address type: the controller makes it public", () => {
        assert.deepEqual(faultsOf(internetIsEncrypted, loadBalancer({})), refused);
    });

    it("refuses a plain listener beside an encrypted one", () => {
        const both = loadBalancer({ "address-type": "internet", "protocol-port": "tcpssl:443,tcp:80" });
        assert.deepEqual(faultsOf(internetIsEncrypted, both), refused);
    });

    it("accepts TLS, an address in the VPC only, and other environments", () => {
        const encrypted = loadBalancer({ "address-type": "internet", "protocol-port": "tcpssl:443" });
        const inside = loadBalancer({ "address-type": "intranet", "protocol-port": "tcp:80" });
        const elsewhere = loadBalancer({ "address-type": "internet", "protocol-port": "tcp:80" }, false);
        assert.deepEqual(faultsOf(internetIsEncrypted, encrypted, inside, elsewhere), []);
    });
});
