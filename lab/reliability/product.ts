import { join } from "node:path";
import { type Collection, MongoClient } from "mongodb";
import { stackFileAt } from "../../operations/stackFile";
import { clone } from "../../toolchain/places";
import { MachineError, until } from "../../toolchain/progress";
import { TestStack } from "../fixtures/testStack";
import { statusOf } from "../machine/client";
import { addresses, kubectl, throughNode } from "../machine/kubernetes";
import { secret } from "../machine/secrets";
import { Namespace, pause } from "./cluster";
import { SmsGateway } from "./gateway";

/** The most replicas for which two cores have capacity besides the load. */
export const webReplicas = 2;
export const workerReplicas = 2;

/** A short time, so that most experiments don't wait. `online` has 10. */
export const minReadySeconds = 1;

/** The interval of beat's tick that looks for lost messages. */
export const resendIntervalSeconds = 5;

const namespace = "sms-prove";
const gatewayPort = 9443;

/** The gateway's answer time. It is long enough that a killed worker leaves messages with an unknown result. */
const gatewayMilliseconds = 30;

/** The settings that a trial changes. */
interface Changes {
    /** Variables for all pods. */
    env?: Record<string, string | number>;
    web?: object;
    worker?: object;
    /** Clients in addition to the machine's own. */
    clients?: object;
    /** Set if KEDA is in the cluster. */
    keda?: object;
}

interface StoredMessage {
    _id: string;
    status: string;
}

/** This program on the cluster, in its own stack, with an SMS gateway that counts messages. */
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

    async configure({ env, web, worker, clients, keda }: Changes = {}): Promise<void> {
        const local = stackFileAt(join(clone, "Pulumi.local.yaml")).config as Record<string, object>;
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
            // Starting pods take all free CPU. These requests keep enough CPU for the stores, which all pods wait for.
            "sms:redis": { ...local["sms:redis"], resources: { requests: { cpu: "100m", memory: "32Mi" } } },
            "sms:mongo": { ...local["sms:mongo"], resources: { requests: { cpu: "200m", memory: "64Mi" } } },
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
            ...(clients && { "sms:clients": { ...local["sms:clients"], ...clients } }),
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
            async () => (await statusOf(this.address, "/readyz")) === 200,
            120,
            () => `${this.address}/readyz is not ready`,
        );
    }

    /**
     * Scales the workers to 0, so that only the web is measured. Returns a function that empties the store and the queues and starts
     * the workers again.
     */
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

    /** Waits until all messages are sent, for `seconds` at most. Returns the ids that are not marked as sent in the store. */
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
            // All ids are checked at the end: a message that the store has lost is not sent either.
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

/** Deletes all messages in steps: FerretDB deletes by ids, and its SQLite takes at most 32,766 of them at once. */
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
