import { setTimeout as wait } from "node:timers/promises";
import { type Checked, HalfMade, type Provider, type Remembered, type Subject } from "../../machine/provider/serve";
import { hasUnknown, type Properties, plain, secret, type Value } from "../../machine/provider/values";
import { Cloud, type Holding } from "./cloud";
import { clusterCredential, credentialToken } from "./cluster";
import type { Description, Plain } from "./description";
import { checkInputs, inputChanges, isSame, refuseByApi } from "./inputs";
import { logIndex, logProject, logStore } from "./logs";
import { mongoAccount, mongoInstance } from "./mongo";
import { vpc, vSwitch } from "./network";
import { redisAccount, redisInstance } from "./redis";
import { Refusal } from "./refusal";
import { registryNamespace, registryRepository } from "./registry";
import type { Site } from "./sites";

/** The resource types that the stand-in supports. */
export const descriptions: readonly Description[] = [
    vpc,
    vSwitch,
    redisInstance,
    redisAccount,
    mongoInstance,
    mongoAccount,
    registryNamespace,
    registryRepository,
    logProject,
    logStore,
    logIndex,
];

/** The engine's mark for values that are unknown before the update has run. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The provider's settings. Keys usually come from the environment. */
export const settingNames = ["region", "accountType", "accessKey", "secretKey", "securityToken", "accountId", "profile"];
const keyVariables = ["ALICLOUD_ACCESS_KEY", "ALIBABACLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_ID"];
const regionVariables = ["ALICLOUD_REGION", "ALIBABACLOUD_REGION", "ALIBABA_CLOUD_REGION"];

/** A stand-in for the official alicloud plugin. It has the same contract for this program's resources, and runs them on this machine. */
export class CloudProvider implements Provider {
    private readonly stopping = new AbortController();
    private cloud?: Cloud;
    private hasKeys = false;

    constructor(
        readonly version: string,
        private readonly folder: string,
        private readonly site: Site,
    ) {}

    checkConfig(settings: Properties): Checked {
        const unknownNames = Object.keys(settings).filter(
            (name) => ![...settingNames, "version", "pluginDownloadURL"].includes(name) && !name.startsWith("__"),
        );
        const failures = unknownNames.map((property) => ({
            property,
            reason: `This stand-in for the alicloud plugin has no such setting; it has ${settingNames.join(", ")}`,
        }));
        const { accountType } = settings;
        if (accountType !== undefined && !hasUnknown(accountType) && !["Domestic", "International"].includes(String(plain(accountType)))) {
            failures.push({ property: "accountType", reason: "expected account_type to be one of [Domestic International]" });
        }
        return { inputs: settings, failures };
    }

    async configure(settings: Properties): Promise<void> {
        const region = plain(settings.region ?? "") || firstOf(regionVariables);
        if (!region) {
            throw new Error(`no region: set the provider's region or ${regionVariables[0]}`);
        }
        this.hasKeys = Boolean(plain(settings.accessKey ?? "") || firstOf(keyVariables));
        this.cloud = new Cloud(this.folder, this.site, String(region));
    }

    async invoke(token: string, args: Properties, isPreview: boolean): Promise<Properties> {
        if (token !== credentialToken) {
            throw notDone(`the function ${token}`);
        }
        return clusterCredential(isPreview ? this.configured : this.ready, args, isPreview);
    }

    check(subject: Subject, news: Properties, olds: Properties): Checked {
        return checkInputs(describe(subject).inputs, subject, news, olds);
    }

    /** Like Pulumi's Terraform bridge, compares the inputs with the cloud's last answer, not with the program's old inputs. */
    diff(subject: Subject, old: Remembered, news: Properties, ignored: readonly string[] = []) {
        return inputChanges(describe(subject).inputs, subject, old.outputs, news, ignored);
    }

    async create(subject: Subject, news: Properties, isPreview: boolean): Promise<{ id?: string; outputs: Properties }> {
        const description = describe(subject);
        if (isPreview) {
            return { outputs: { ...unknownOutputs(description), ...news } };
        }
        const { seconds = waitsBy(description, news), refusal, halfWay, fills } = this.ready.troubleWith(subject.type);
        const inputs = plain(news) as Plain;
        const isLater = (key: string) => description.inputs[key]?.isLater === true;
        const [atOnce, later] = [only(news, (key) => !isLater(key)), only(news, isLater)];
        const holding = await this.refusedAs(description, "Create", async () => {
            if (refusal !== undefined) {
                throw new Refusal("OperationDenied", refusal);
            }
            refuseByApi(description.inputs, atOnce);
            return this.ordered(description, async () => {
                const { id, outputs = {}, inner = {} } = await description.order(this.ready, inputs);
                const told = withoutSecrets(description, atOnce);
                const ordered = { type: subject.type, id, status: "Creating", inputs: told, outputs: { ...outputs, ...fills }, inner };
                this.ready.keep(ordered);
                return ordered;
            });
        });
        const halfMade = (error: Error, outputs: Properties) =>
            new HalfMade(`${description.title} ${holding.id} is there and is ${holding.status}: ${error.message}`, {
                id: holding.id,
                inputs: news,
                outputs: { id: holding.id, ...outputs },
            });
        await this.settle(subject, seconds).catch((error) => {
            // The provider has not begun the configuration. So its state has all inputs as they were ordered.
            throw halfMade(error, news);
        });
        try {
            await this.refusedAs(description, "Modify", async () => {
                if (halfWay !== undefined) {
                    throw new Refusal("OperationDenied", halfWay);
                }
                refuseByApi(description.inputs, later);
                description.refuseSetup?.(holding, inputs);
            });
            holding.inputs = withoutSecrets(description, news);
            await this.provide(description, holding, inputs);
        } catch (error) {
            const { leaves } = description;
            await this.provide(description, holding, plain(atOnce) as Plain);
            throw halfMade(error as Error, leaves === undefined ? news : only(news, (key) => leaves.includes(key)));
        }
        return { id: holding.id, outputs: outputsOf(description, holding, news) };
    }

    async update(subject: Subject, old: Remembered, news: Properties, isPreview: boolean, ignored: readonly string[] = []) {
        const description = describe(subject);
        if (isPreview) {
            return { ...old.outputs, ...news };
        }
        const holding = this.ready.get(subject.type, old.id);
        if (holding === undefined) {
            throw new Error(
                `${description.title} ${old.id} is not found: it was deleted outside this program. \`pulumi refresh\` sees that`,
            );
        }
        const inputs = plain(news) as Plain;
        await this.refusedAs(description, "Modify", async () => {
            refuseByApi(description.inputs, news);
            description.refuseSetup?.(holding, inputs);
            description.refuseUpdate?.(this.ready, holding, inputs, plain(old.outputs) as Plain);
        });
        await this.settle(subject, holding.status === "Creating" ? 0 : (this.ready.troubleWith(subject.type).seconds ?? 0));
        // An input that is left out keeps its value if the cloud chooses it or the program ignores it. All others are reset.
        const stays = (key: string) => description.inputs[key] === undefined || description.inputs[key].isChosen || ignored.includes(key);
        const quiet = only(holding.inputs, (key) => description.inputs[key]?.isQuiet === true);
        holding.outputs = only(holding.outputs, stays);
        holding.inputs = { ...only(holding.inputs, stays), ...withoutSecrets(description, news), ...quiet };
        await this.provide(description, holding, inputs);
        return outputsOf(description, holding, news);
    }

    async read(subject: Subject, old: Remembered): Promise<Remembered | undefined> {
        const description = describe(subject);
        const holding = this.ready.get(subject.type, old.id);
        if (holding === undefined) {
            return undefined;
        }
        // Only properties that the program set are inputs.
        const isImport = Object.keys(old.inputs).length === 0;
        const told = Object.entries(isImport ? holding.inputs : old.inputs).flatMap(([key, value]): [string, Value][] => {
            const now = holding.inputs[key] ?? holding.outputs[key];
            const { kind = "text", isUntold = false } = description.inputs[key] ?? {};
            if (isUntold || key.startsWith("__") || (now !== undefined && isSame(kind, value, now))) {
                return [[key, value]];
            }
            return now === undefined ? [] : [[key, now]];
        });
        return { id: old.id, inputs: Object.fromEntries(told), outputs: outputsOf(description, holding, old.outputs) };
    }

    async delete(subject: Subject, old: Remembered): Promise<void> {
        const description = describe(subject);
        const holding = this.ready.get(subject.type, old.id);
        await this.refusedAs(description, "Delete", async () => {
            if (holding === undefined) {
                if (description.missesGone) {
                    throw new Refusal("InvalidDBInstanceId.NotFound", `The instance ${old.id} is not found.`);
                }
            } else if (description.release === undefined) {
                this.ready.forget(holding);
            } else if ((await description.release(this.ready, holding)) === "kept") {
                subject.log(
                    `Cannot destroy Subscription resource: ${description.title}. It is removed from the state only; ${old.id} remains.`,
                );
            }
        });
    }

    cancel(): void {
        this.stopping.abort(new Error("canceled"));
    }

    /** The cloud. Throws if there are no keys. Previews never use it. */
    private get ready(): Cloud {
        if (!this.hasKeys) {
            throw new Error(`no valid credential sources for Alibaba Cloud: set ${keyVariables[0]} and ALICLOUD_SECRET_KEY`);
        }
        return this.configured;
    }

    private get configured(): Cloud {
        if (this.cloud === undefined) {
            throw new Error("The provider isn't configured");
        }
        return this.cloud;
    }

    /** Orders the resource. After a refusal that the real provider retries, it orders again each second. */
    private async ordered(description: Description, order: () => Promise<Holding>): Promise<Holding> {
        try {
            return await this.ready.inTurn(order);
        } catch (error) {
            if (!(error instanceof Refusal) || error.code !== description.retried) {
                throw error;
            }
            await wait(1000, undefined, { signal: this.stopping.signal });
            return this.ordered(description, order);
        }
    }

    private async provide(description: Description, holding: Holding, inputs: Plain): Promise<void> {
        await description.provide?.(this.ready, holding, inputs);
        if (holding.status === "Creating") {
            holding.status = "Normal";
        }
        this.ready.keep(holding);
    }

    /** Waits as long as the creation or change of an instance takes. */
    private async settle({ log }: Subject, seconds: number): Promise<void> {
        for (let left = seconds; left > 0; left -= 5) {
            log(`still ${left} s to go`);
            await wait(Math.min(left, 5) * 1000, undefined, { signal: this.stopping.signal }).catch(() => {
                throw new Error("canceled while the cloud was still working");
            });
        }
    }

    /** Converts a Refusal into the real provider's error message. */
    private async refusedAs<T>({ title }: Description, verb: string, work: () => Promise<T>): Promise<T> {
        try {
            return await work();
        } catch (error) {
            if (!(error instanceof Refusal)) {
                throw error;
            }
            throw new Error(
                `[ERROR] Resource ${title} ${verb} Failed!!! [SDK alibaba-cloud-sdk-go ERROR]: SDKError: Code: ${error.code} Message: ${error.message}`,
            );
        }
    }
}

/** The seconds that the real provider always waits, times SMS_CLOUD_PACE. 1 is the real duration, and the default 0 does not wait. */
function waitsBy({ seconds }: Description, news: Properties): number {
    const isEncrypted = plain(news.sslEnable ?? null) === "Enable" || plain(news.sslAction ?? null) === "Open";
    const whole = seconds === undefined ? 0 : seconds.always + (isEncrypted ? seconds.withTls : 0);
    return whole * Number(process.env.SMS_CLOUD_PACE ?? 0);
}

const firstOf = (variables: readonly string[]) => variables.map((name) => process.env[name]).find((value) => value);

function describe({ type }: Subject): Description {
    const found = descriptions.find((description) => description.type === type);
    if (found === undefined) {
        throw notDone(type);
    }
    return found;
}

function notDone(asked: string): Error {
    return new Error(
        `This stands in for the alicloud plugin, which can't be installed here, and doesn't do ${asked}. It does ${[...descriptions.map(({ type }) => type), credentialToken].join(", ")}`,
    );
}

/** The outputs in a preview: all values that the cloud chooses are unknown. */
function unknownOutputs({ inputs, outputs }: Description): Properties {
    const chosen = Object.keys(inputs).filter((name) => inputs[name]?.isChosen);
    return Object.fromEntries([...Object.keys(outputs), ...chosen].map((name) => [name, unknown]));
}

function only(properties: Properties, isWanted: (key: string) => boolean): Properties {
    return Object.fromEntries(Object.entries(properties).filter(([key]) => isWanted(key)));
}

function withoutSecrets({ inputs }: Description, news: Properties): Properties {
    return plain(only(news, (key) => !inputs[key]?.isSecret && !key.startsWith("__"))) as Properties;
}

/** The cloud's values. For inputs that read does not return, the program's values. */
function outputsOf(description: Description, { inputs, outputs, status, id }: Holding, said: Properties): Properties {
    const untold = Object.entries(only(said, (key) => description.inputs[key]?.isUntold === true)).map(([key, value]): [string, Value] => [
        key,
        description.inputs[key]?.isSecret ? secret(value) : value,
    ]);
    const hasStatus = description.outputs.status === "text";
    const told = only({ ...outputs, ...inputs }, (key) => description.inputs[key]?.isUntold !== true);
    return { id, ...told, ...(hasStatus ? { status: outputs.status ?? status } : {}), ...Object.fromEntries(untold) };
}
