import assert from "node:assert/strict";
import { runtime } from "@pulumi/pulumi";
import { beatRunsAlone, oneBeat } from "../../policies/beat";
import { internetIsEncrypted } from "../../policies/entrance";
import { lostWithType } from "../../policies/lost";
import { namespacesAreClosed } from "../../policies/namespaces";
import { enforced, type Inputs, isOnline, type Resource, type ResourcePolicy, unknown } from "../../policies/policy";
import { credentialsInSecrets } from "../../policies/secrets";
import { admitsEverybody, dataIsProtected, storesAdmitOnlyNamed, storesArePrivate, storesPayAsTheyGo } from "../../policies/stores";
import { imagesByDigest, podsAreRestricted, probesOnContainers, requestsAndLimits } from "../../policies/workloads";
import { beat, deployment, faultsOf, goodContainer, goodPod, mongo, redis, resource } from "./resources";

const everyPolicy: ResourcePolicy[] = [
    imagesByDigest,
    requestsAndLimits,
    probesOnContainers,
    podsAreRestricted,
    beatRunsAlone,
    storesArePrivate,
    storesAdmitOnlyNamed,
    dataIsProtected,
    storesPayAsTheyGo,
    credentialsInSecrets,
    internetIsEncrypted,
];

describe("the policies", () => {
    it("have nothing against what the program deploys", () => {
        for (const policy of everyPolicy) {
            assert.deepEqual(faultsOf(policy, deployment({}), beat(), redis(), mongo()), [], policy.name);
        }
    });

    it("have nothing against what only the update will know", () => {
        const unknownContainer = { ...goodContainer, image: unknown, resources: unknown, securityContext: unknown, env: [unknown] };
        const all = [
            deployment({ container: unknownContainer }),
            resource("kubernetes:apps/v1:Deployment", "web", { spec: unknown }),
            redis({ securityIps: unknown, vswitchId: unknown, instanceReleaseProtection: unknown }),
            mongo({ securityIpLists: unknown, vswitchId: unknown }),
        ];
        for (const policy of everyPolicy) {
            assert.deepEqual(faultsOf(policy, ...all), [], policy.name);
        }
    });

    it("report every fault of a resource at once, each with what is allowed", () => {
        const container = { image: "sms:latest", resources: {}, readinessProbe: undefined };
        const faults = everyPolicy.flatMap((policy) => faultsOf(policy, deployment({ container })));
        assert.equal(faults.length, 6);
    });
});

describe("images-by-digest", () => {
    const image = (name: string | undefined, environment = "online") =>
        faultsOf(imagesByDigest, deployment({ container: { image: name }, environment }));

    it("refuses a tag online", () => {
        assert.deepEqual(image("registry.example.com/sms:abc"), [
            "Deployment sms-web: the image of container sms-web is registry.example.com/sms:abc; allowed: name:version@sha256:…",
        ]);
    });

    it("takes a fixed version elsewhere, and refuses latest and none", () => {
        assert.deepEqual(image("redis:7.0", "test"), []);
        assert.equal(image("redis:latest", "test").length, 1);
        assert.equal(image("127.0.0.1:5000/redis", "test").length, 1);
        assert.equal(image(undefined, "test").length, 1);
    });

    it("takes a fixed version for a sidecar online, and refuses latest", () => {
        const sidecar = (tag: string) =>
            deployment({ pod: { initContainers: [{ ...goodContainer, name: "logs", image: `otel:${tag}` }] } });
        assert.deepEqual(faultsOf(imagesByDigest, sidecar("0.128.0")), []);
        assert.deepEqual(faultsOf(imagesByDigest, sidecar("latest")), [
            "Deployment sms-web: the image of container logs is otel:latest; allowed: name:version or name@sha256:…",
        ]);
    });

    it("looks into Jobs, CronJobs, StatefulSets and Pods too", () => {
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
    it("refuses a container without one of the four, sidecars too", () => {
        const { requests } = goodContainer.resources;
        assert.deepEqual(faultsOf(requestsAndLimits, deployment({ container: { resources: { requests, limits: { cpu: "1" } } } })), [
            "Deployment sms-web: container sms-web has no resources.limits.memory",
        ]);
        const pod = { initContainers: [{ ...goodContainer, name: "logs", resources: undefined }] };
        assert.equal(faultsOf(requestsAndLimits, deployment({ pod })).length, 4);
    });
});

describe("probes", () => {
    it("refuses a service's container without readiness or liveness", () => {
        assert.deepEqual(faultsOf(probesOnContainers, deployment({ container: { readinessProbe: undefined, livenessProbe: undefined } })), [
            "Deployment sms-web: container sms-web has no readinessProbe",
            "Deployment sms-web: container sms-web has no livenessProbe",
        ]);
    });

    it("asks none of a Job, which ends", () => {
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

    it("refuses root, by setting, by silence and by number", () => {
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

    it("refuses the node's network, processes and folders, and a token that nobody needs", () => {
        refuses(/hostNetwork is true/, { pod: { hostNetwork: true } });
        refuses(/hostPID is true/, { pod: { hostPID: true } });
        refuses(/volume docker is a folder of the node/, { pod: { volumes: [{ name: "docker", hostPath: { path: "/var/run" } }] } });
        refuses(/automountServiceAccountToken/, { pod: { automountServiceAccountToken: undefined } });
    });
});

describe("beat-alone", () => {
    it("refuses a second replica, and a rollout with two at a time", () => {
        assert.deepEqual(faultsOf(beatRunsAlone, beat({ replicas: 2 })), ["sms-web runs beat with 2 replicas; allowed: 1"]);
        assert.deepEqual(faultsOf(beatRunsAlone, beat({ strategy: undefined })), [
            "sms-web runs beat with the strategy RollingUpdate, so two at a time; allowed: Recreate",
        ]);
    });

    it("knows a beat inside a worker", () => {
        const worker = (...more: string[]) =>
            deployment({ container: { command: ["celery", "--app", "sms.celery", "worker", ...more] }, spec: { strategy: undefined } });
        assert.deepEqual(faultsOf(beatRunsAlone, worker()), []);
        assert.equal(faultsOf(beatRunsAlone, worker("--beat")).length, 2);
        assert.equal(faultsOf(beatRunsAlone, deployment({ container: { command: ["sh", "-c", "celery -A app worker -B"] } })).length, 2);
    });

    it("refuses a beat that is no Deployment", () => {
        const { inputs } = beat();
        assert.match(faultsOf(beatRunsAlone, resource("kubernetes:apps/v1:StatefulSet", "beat", inputs))[0] ?? "", /allowed: a Deployment/);
    });
});

describe("one-beat", () => {
    const worker = deployment({ container: { command: ["celery", "--app", "sms.celery", "worker"] } });

    it("takes one, and a stack without Celery", () => {
        assert.deepEqual(oneBeat.faults([worker, beat()]), []);
        assert.deepEqual(oneBeat.faults([redis()]), []);
    });

    it("refuses two, and workers without any", () => {
        assert.deepEqual(oneBeat.faults([worker, beat(), beat()]), ["The stack has 2 beats: sms-web, sms-web; allowed: 1"]);
        assert.deepEqual(oneBeat.faults([worker]), ["The stack has 0 beats; allowed: 1"]);
    });
});

describe("stores-private", () => {
    it("refuses a public address, whatever way it comes", () => {
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
            "Redis redis-instance asks for no password (vpcAuthMode is Close); allowed: Open",
        ]);
    });

    it("refuses a store in the cluster that answers on every node", () => {
        const service = (spec: Inputs) => resource("kubernetes:core/v1:Service", "redis", { metadata: { name: "redis" }, spec });
        const ports = [{ port: 6379, targetPort: 6379 }];
        assert.deepEqual(faultsOf(storesArePrivate, service({ ports })), []);
        assert.deepEqual(faultsOf(storesArePrivate, service({ type: "NodePort", ports: [{ port: 8004 }] })), []);
        assert.deepEqual(faultsOf(storesArePrivate, service({ type: "LoadBalancer", ports })), [
            "Service redis opens the store's port 6379 as a LoadBalancer; allowed: ClusterIP",
        ]);
        assert.equal(faultsOf(storesArePrivate, service({ type: "NodePort", ports: [{ port: 1, targetPort: 27017 }] })).length, 1);
    });
});

describe("stores-whitelist", () => {
    it("refuses everybody, by whatever name, and nobody", () => {
        assert.deepEqual(faultsOf(storesAdmitOnlyNamed, redis({ securityIps: ["10.1.0.0/24", "0.0.0.0/0"] })), [
            "Redis redis-instance admits 0.0.0.0/0, which is everybody (securityIps); allowed: the vSwitches' and pods' CIDRs",
        ]);
        assert.deepEqual(faultsOf(storesAdmitOnlyNamed, mongo({ securityIpLists: [] })), [
            "MongoDB mongo-instance has no securityIpLists: nobody could connect; allowed: the vSwitches' and pods' CIDRs",
        ]);
        const groups = { securityIpLists: undefined, securityIpGroups: [{ securityIpLists: ["0.0.0.0/0"] }] };
        assert.equal(faultsOf(storesAdmitOnlyNamed, mongo(groups)).length, 1);
    });

    it("knows everybody in disguise", () => {
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

    it("refuses a store of online that the cloud or Pulumi would delete", () => {
        assert.deepEqual(faultsOf(dataIsProtected, redis({ instanceReleaseProtection: false }), mongo({}, { protect: false })), [
            "Redis redis-instance has no instanceReleaseProtection; allowed: true",
            "mongo-instance is not protected in Pulumi, and with it the messages in it; allowed: the resource option protect: true",
        ]);
    });

    it("refuses whatever else would be lost with data, images or logs in it", () => {
        for (const type of Object.keys(lostWithType)) {
            const inputs = { instanceReleaseProtection: true, dbInstanceReleaseProtection: true };
            assert.equal(faultsOf(dataIsProtected, resource(type, "it", inputs)).length, 1, type);
            assert.deepEqual(faultsOf(dataIsProtected, resource(type, "it", inputs, { protect: true })), [], type);
        }
        assert.deepEqual(faultsOf(dataIsProtected, resource(namespace, "registry-namespace", {})), [
            "registry-namespace is not protected in Pulumi, and with it every image in it, also those that pods run and `rollback` goes back to; allowed: the resource option protect: true",
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
                "redis-statefulset is not protected in Pulumi, and with it the way to the data on its volumes; allowed: the resource option protect: true",
            ],
        );
    });

    it("refuses a load balancer of online that Pulumi would delete, and asks nothing of other Services", () => {
        const service = (type: string) => resource("kubernetes:core/v1:Service", "service", { spec: { type, ports: [] } });
        assert.deepEqual(faultsOf(dataIsProtected, service("NodePort"), service("LoadBalancer")), [
            "service is not protected in Pulumi, and with it the address that customers use; allowed: the resource option protect: true",
        ]);
    });

    it("lets other environments go", () => {
        const loose = { environment: "test", protect: false };
        assert.deepEqual(
            faultsOf(dataIsProtected, redis({ instanceReleaseProtection: false }, loose), resource(namespace, "it", {}, loose)),
            [],
        );
    });
});

describe("stores-pay-as-you-go", () => {
    it("refuses what a destroy would only forget, and go on paying", () => {
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

    it("takes a variable from a Secret, and an address without a password", () => {
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
    it("knows the environment from the stack's settings, whatever the stack is called, and takes the SDK's unknown values for unknown", () => {
        const seen: string[] = [];
        const policy: ResourcePolicy = {
            name: "watch",
            description: "",
            faults: ({ environment, inputs, protect }) => {
                seen.push(environment, String(inputs.image === unknown), String(protect), inputs.list.join());
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
        assert.deepEqual([...seen, ...reported], ["test", "true", "true", "a,b", "one", "two"]);
    });

    it("judges a stack that says no environment as online", () => {
        runtime.setAllConfig({});
        const seen: boolean[] = [];
        const watch = (resource: Resource) => {
            seen.push(isOnline(resource));
            return [];
        };
        const { validateResource } = enforced({ name: "watch", description: "", faults: watch });
        assert.ok(typeof validateResource === "function");
        void validateResource({ type: "t", name: "n", props: {}, opts: {} } as never, () => undefined);
        assert.deepEqual(seen, [true]);
    });

    it("lets a mistake of its own be seen", () => {
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
    const namespace = (environment = "online") =>
        resource("kubernetes:core/v1:Namespace", "namespace", { metadata: { name: "sms" } }, { environment });
    const denial = (spec: Inputs = {}, inNamespace: unknown = "sms") =>
        resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "default-deny", {
            metadata: { name: "default-deny", namespace: inNamespace },
            spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"], ...spec },
        });
    const refusal = "Namespace sms has no NetworkPolicy that denies all; set sms:networkPolicies.enabled to true";

    it("refuses a namespace online that anybody may get into or out of", () => {
        assert.deepEqual(namespacesAreClosed.faults([namespace()]), [refusal]);
        assert.deepEqual(namespacesAreClosed.faults([namespace(), denial()]), []);
        assert.deepEqual(namespacesAreClosed.faults([namespace(), denial({}, unknown)]), []);
        assert.deepEqual(namespacesAreClosed.faults([namespace("test")]), []);
    });

    it("refuses pods online that anybody reaches in a namespace of others, which itself may stay open", () => {
        const pods = resource("kubernetes:apps/v1:Deployment", "web-deployment", { metadata: { namespace: "sms" } });
        const ofTheProduct = denial({ podSelector: { matchLabels: { "app.kubernetes.io/part-of": "sms" } } });
        assert.deepEqual(namespacesAreClosed.faults([pods]), [refusal]);
        assert.deepEqual(namespacesAreClosed.faults([pods, ofTheProduct]), []);
        assert.deepEqual(namespacesAreClosed.faults([namespace(), pods, ofTheProduct]), [refusal]);
    });

    it("takes nothing for closed that has a way open, is of some pods or of another namespace", () => {
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
    function loadBalancer(said: Record<string, string>, environment = "online") {
        const annotations = Object.fromEntries(Object.entries(said).map(([key, value]) => [`${prefix}${key}`, value]));
        const inputs = { metadata: { name: "sms-load-balancer", annotations }, spec: { type: "LoadBalancer" } };
        return resource("kubernetes:core/v1:Service", "load-balancer-service", inputs, { environment });
    }
    const refused = ["Service sms-load-balancer answers the internet without encryption; allowed: a certificateId, or the scheme internal"];

    it("refuses plain HTTP to the internet online", () => {
        assert.deepEqual(faultsOf(internetIsEncrypted, loadBalancer({ "address-type": "internet", "protocol-port": "tcp:80" })), refused);
    });

    it("refuses what doesn't say who can reach it: the controller opens that to the internet", () => {
        assert.deepEqual(faultsOf(internetIsEncrypted, loadBalancer({})), refused);
    });

    it("refuses one plain listener beside an encrypted one", () => {
        const both = loadBalancer({ "address-type": "internet", "protocol-port": "tcpssl:443,tcp:80" });
        assert.deepEqual(faultsOf(internetIsEncrypted, both), refused);
    });

    it("has nothing against TLS, against the VPC alone, and against other environments", () => {
        const encrypted = loadBalancer({ "address-type": "internet", "protocol-port": "tcpssl:443" });
        const inside = loadBalancer({ "address-type": "intranet", "protocol-port": "tcp:80" });
        const elsewhere = loadBalancer({ "address-type": "internet", "protocol-port": "tcp:80" }, "test");
        assert.deepEqual(faultsOf(internetIsEncrypted, encrypted, inside, elsewhere), []);
    });
});
