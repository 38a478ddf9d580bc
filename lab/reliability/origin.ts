import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { clone } from "../../toolchain/places";
import { kubectl } from "../machine/kubernetes";
import { baseImage, pullSecret } from "../machine/registry";
import { originImage } from "../origin/image";
import { Namespace } from "./cluster";
import { webReplicas } from "./product";

const namespace = "origin-prove";
const nodePort = 31096;

/** The original manifest on the cluster, with the same kinds of stores as the product. */
export class Origin {
    readonly address = `http://127.0.0.1:${nodePort}`;
    readonly cluster = new Namespace(namespace);

    static async start(): Promise<Origin> {
        const origin = new Origin();
        await Origin.remove();
        try {
            await kubectl("create", "namespace", namespace);
            await origin.cluster.apply([pullSecret(), ...stores()]);
            await origin.cluster.rolledOut("redis", "mongo");
            await origin.cluster.apply(manifest(await originImage()));
            await origin.cluster.rolledOut("sms-web");
            return origin;
        } catch (error) {
            await Origin.remove();
            throw error;
        }
    }

    /** Deletes the namespace, also one that a killed run left. */
    static async remove(): Promise<void> {
        await kubectl("delete", "namespace", namespace, "--ignore-not-found");
    }
}

interface Manifest {
    kind: string;
    spec: {
        replicas: number;
        ports: { nodePort: number }[];
        template: { spec: { containers: { image: string; env: { name: string; value: string }[] }[] } };
    };
}

/** The manifest of lab/origin/, with another image, the stores' URLs, the product's number of pods and a free port. */
function manifest(image: string): object[] {
    const text = readFileSync(join(clone, "lab", "origin", "manifest.yaml"), "utf8");
    return parseAllDocuments(text).map((document) => {
        const object = document.toJS() as Manifest;
        if (object.kind === "Deployment") {
            object.spec.replicas = webReplicas;
            for (const container of object.spec.template.spec.containers) {
                container.image = image;
                container.env.push(
                    { name: "REDIS_URL", value: "redis://redis:6379/0" },
                    { name: "MONGO_URL", value: "mongodb://sms:sms@mongo:27017/sms?authSource=admin" },
                    // The origin has no authentication. Only this machine can reach it here.
                    { name: "OPEN_TO_ANYBODY", value: "true" },
                );
            }
        } else {
            object.spec.ports = object.spec.ports.map((port) => ({ ...port, nodePort }));
        }
        return object;
    });
}

function stores(): object[] {
    return [
        ...store("redis", 6379, {
            image: baseImage("redis:7.0"),
            command: ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no"],
        }),
        ...store("mongo", 27017, {
            resources: { requests: { cpu: "200m" } },
            image: baseImage("mongo:7.0"),
            env: ["USERNAME", "PASSWORD"].map((name) => ({ name: `MONGO_INITDB_ROOT_${name}`, value: "sms" })),
            volumeMounts: [
                { name: "data", mountPath: "/data/db" },
                { name: "data", mountPath: "/tmp" },
            ],
        }),
    ];
}

function store(name: string, port: number, container: object): object[] {
    const labels = { app: name };
    const readinessProbe = { tcpSocket: { port }, periodSeconds: 2 };
    return [
        {
            apiVersion: "apps/v1",
            kind: "Deployment",
            metadata: { name },
            spec: {
                selector: { matchLabels: labels },
                template: {
                    metadata: { labels },
                    spec: {
                        imagePullSecrets: [{ name: "pull-secret" }],
                        containers: [{ name, readinessProbe, ...container }],
                        volumes: [{ name: "data", emptyDir: {} }],
                    },
                },
            },
        },
        { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: labels, ports: [{ port }] } },
    ];
}
