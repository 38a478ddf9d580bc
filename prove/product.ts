import { join } from "node:path";
import { type Collection, MongoClient } from "mongodb";
import { addresses, kubectl, throughNode } from "../machine/kubernetes";
import { clone } from "../machine/places";
import { MachineError, until } from "../machine/progress";
import { secret } from "../machine/secrets";
import { stackFileAt } from "../operations/stackFile";
import { TestStack } from "../test/machine/testStack";
import { Namespace, pause } from "./cluster";
import { SmsGateway } from "./gateway";

/** As many as two cores carry beside the load. */
export const webReplicas = 2;
export const workerReplicas = 2;

/** So many that most experiments don't wait longer than they have to; `online` has 10. */
export const minReadySeconds = 1;

/** What is lost is looked for so often; a tick of beat's. */
export const resendIntervalSeconds = 5;

const namespace = "sms-prove";
const gatewayPort = 9443;

/** What a carrier takes to answer: long enough that a worker that is killed leaves messages whose end nobody knows. */
const gatewayMilliseconds = 30;

/** What a trial changes of the stack's settings. */
interface Changes {
    /** For all pods. */
    env?: Record<string, string | number>;
    web?: object;
    worker?: object;
    /** KEDA is in the cluster. */
    keda?: object;
}

interface StoredMessage {
    _id: string;
    status: string;
}

/** This program on the cluster, on a stack of its own, with an SMS gateway that counts. */
export class Product {
    readonly cluster = new Namespace(namespace);
    readonly address: string;

    private constructor(
        readonly stack: TestStack,
        readonly gateway: SmsGateway,
    ) {
        this.address = stack.address;
    }

    static async start(): Promise<Product> {
        const gateway = await SmsGateway.start((await addresses()).host, gatewayPort, gatewayMilliseconds);
        const product = new Product(await TestStack.make(namespace, 31095), gateway);
        try {
            await product.configure();
            await product.setGatewaySecret("no-real-key");
            await product.up();
            return product;
        } catch (error) {
            await product.remove();
            throw error;
        }
    }

    async configure({ env, web, worker, keda }: Changes = {}): Promise<void> {
        const stores = stackFileAt(join(clone, "Pulumi.local.yaml")).config as Record<string, object>;
        await this.stack.configure({
            "sms:env": {
                SMS_GATEWAY: "aliyun",
                ALIYUN_SMS_SIGN_NAME: "sms",
                ALIYUN_SMS_TEMPLATE_CODE: "SMS_1",
                ALIYUN_SMS_ENDPOINT: this.gateway.url,
                GATEWAY_TIMEOUT_SECONDS: 2,
                RESEND_AFTER_SECONDS: 10,
                RESEND_INTERVAL_SECONDS: resendIntervalSeconds,
                ...env,
            },
            // Whatever starts or rolls takes what CPU it can get: the stores that all wait for keep their share.
            "sms:redis": { ...stores["sms:redis"], resources: { requests: { cpu: "100m", memory: "32Mi" } } },
            "sms:mongo": { ...stores["sms:mongo"], resources: { requests: { cpu: "200m", memory: "64Mi" } } },
            "sms:web": {
                replicas: webReplicas,
                nodePort: this.stack.nodePort,
                minReadySeconds,
                resources: { requests: { cpu: "50m", memory: "100Mi" } },
                ...web,
            },
            "sms:worker": {
                replicas: workerReplicas,
                minReadySeconds,
                sendLeaseSeconds: 10,
                resources: { requests: { cpu: "50m", memory: "100Mi" } },
                ...worker,
            },
            ...(keda && { "sms:keda": keda }),
        });
    }

    async setGatewaySecret(key: string): Promise<void> {
        await this.stack.setSecret("sms:secretEnv", JSON.stringify({ ALIYUN_ACCESS_KEY_ID: "no-real-id", ALIYUN_ACCESS_KEY_SECRET: key }));
    }

    async up(): Promise<void> {
        const { exitCode, output } = await this.stack.up();
        if (exitCode !== 0) {
            throw new MachineError(`the program's \`up\` failed:\n${output}`);
        }
        await this.ready();
    }

    async ready(): Promise<void> {
        await until(
            async () =>
                (await fetch(`${this.address}/readyz`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined))?.status === 200,
            120,
            () => `${this.address}/readyz is not ready`,
        );
    }

    /** Takes the workers away, so that what is measured is the web alone. Gives what brings them back, with nothing left for them to do. */
    async withoutWorkers(): Promise<() => Promise<void>> {
        await this.cluster.scale("deployment", "sms-worker", 0);
        await this.cluster.gone("sms-worker");
        return async () => {
            await this.withStore(empty);
            await this.redis("DEL", "sms", "sms-maintenance");
            await this.cluster.scale("deployment", "sms-worker", workerReplicas);
            await this.cluster.rolledOut("sms-worker");
        };
    }

    private async withStore<T>(ask: (messages: Collection<StoredMessage>) => Promise<T>): Promise<T> {
        const address = (await this.cluster.get<{ spec: { clusterIP: string } }>("service", "mongo")).spec.clusterIP;
        const password = encodeURIComponent(secret("mongo-password"));
        return throughNode(address, 27017, async (tunnel) => {
            const client = new MongoClient(`mongodb://sms:${password}@${tunnel}/sms?authSource=admin&directConnection=true`);
            try {
                return await ask(client.db().collection<StoredMessage>("messages"));
            } finally {
                await client.close();
            }
        });
    }

    /** Waits until nothing is left to send, for `seconds` at most. Gives the ids of what is not noted as sent even then. */
    async unsent(ids: readonly string[], seconds: number): Promise<string[]> {
        return this.withStore(async (messages) => {
            const unfinished = { status: { $ne: "sent" } };
            await until(
                async () => {
                    await pause(2);
                    return (await messages.countDocuments(unfinished)) === 0;
                },
                seconds,
                () => "",
            ).catch(() => {});
            // All of them once: one that the store has lost is not sent either.
            const sent = new Set(await messages.distinct("_id", { status: "sent" }));
            return ids.filter((id) => !sent.has(id));
        });
    }

    async redis(...command: string[]): Promise<string> {
        return this.cluster.kubectl("exec", "redis-0", "--", "redis-cli", "--user", "sms", ...command);
    }

    async remove(): Promise<void> {
        await this.stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
        await this.stack.remove();
        await kubectl("delete", "namespace", namespace, "--ignore-not-found");
        await this.gateway.stop();
    }
}

/** In steps: FerretDB deletes by ids, and its SQLite takes 32,766 of them at once. */
async function empty(messages: Collection<StoredMessage>): Promise<void> {
    for (;;) {
        const some = await messages
            .find({}, { projection: { _id: 1 } })
            .limit(10_000)
            .toArray();
        if (some.length === 0) {
            return;
        }
        await messages.deleteMany({ _id: { $in: some.map(({ _id }) => _id) } });
    }
}
