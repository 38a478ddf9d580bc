import { setTimeout as wait } from "node:timers/promises";
import { type Checked, HalfMade, type Provider, type Remembered, type Subject } from "../provider/serve";
import { hasUnknown, isObject, type Properties, plain, secret, type Value } from "../provider/values";
import { Cloud, type Holding } from "./cloud";
import { clusterCredential, credentialToken } from "./cluster";
import type { Description, Plain } from "./description";
import { checkInputs, inputChanges, isSame } from "./inputs";
import { logIndex, logProject, logStore } from "./logs";
import { mongoAccount, mongoInstance } from "./mongo";
import { vpc, vSwitch } from "./network";
import { redisAccount, redisInstance } from "./redis";
import { Refusal } from "./refusal";
import { registryNamespace, registryRepository } from "./registry";
import type { Site } from "./sites";

/** All that the stand-in does. */
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

/** As the engine writes what isn't known before the update has run. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Settings of the provider that may be given; keys come from the environment. */
export const settingNames = ["region", "accountType", "accessKey", "secretKey", "securityToken", "accountId", "profile"];
const keyVariables = ["ALICLOUD_ACCESS_KEY", "ALIBABACLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_ID"];
const regionVariables = ["ALICLOUD_REGION", "ALIBABACLOUD_REGION", "ALIBABA_CLOUD_REGION"];

/** Stands in for the official alicloud plugin: its contract for the resources of this program, and what they promise, on this machine. */
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

    diff(subject: Subject, old: Remembered, news: Properties) {
        return inputChanges(describe(subject).inputs, old.inputs, news);
    }

    async create(subject: Subject, news: Properties, isPreview: boolean): Promise<{ id?: string; outputs: Properties }> {
        const description = describe(subject);
        if (isPreview) {
            return { outputs: { ...unknownOutputs(description), ...news } };
        }
        const trouble = this.ready.troubleWith(subject.type);
        const inputs = plain(news) as Plain;
        const holding = await this.refusedAs(description, "Create", async () => {
            if (trouble.refusal !== undefined) {
                throw new Refusal("OperationDenied", trouble.refusal);
            }
            return this.ready.inTurn(async () => {
                const { id, outputs = {}, inner = {} } = await description.order(this.ready, inputs);
                const ordered = { type: subject.type, id, status: "Creating", inputs: withoutSecrets(description, news), outputs, inner };
                this.ready.keep(ordered);
                return ordered;
            });
        });
        try {
            await this.settle(subject, trouble.seconds ?? 0);
            if (trouble.halfWay !== undefined) {
                throw new Error(trouble.halfWay);
            }
            await this.provide(description, holding, inputs);
        } catch (error) {
            const message = `${description.title} ${holding.id} is there and is ${holding.status}: ${(error as Error).message}`;
            throw new HalfMade(message, { id: holding.id, inputs: news, outputs: outputsOf(description, holding, news) });
        }
        return { id: holding.id, outputs: outputsOf(description, holding, news) };
    }

    async update(subject: Subject, old: Remembered, news: Properties, isPreview: boolean): Promise<Properties> {
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
        await this.refusedAs(description, "Modify", async () => description.refuseUpdate?.(this.ready, holding, inputs));
        await this.settle(subject, holding.status === "Creating" ? 0 : (this.ready.troubleWith(subject.type).seconds ?? 0));
        // What is left out stays as it is, if the cloud chooses it.
        const stays = Object.entries(holding.inputs).filter(([key]) => description.inputs[key]?.isChosen);
        holding.inputs = { ...Object.fromEntries(stays), ...withoutSecrets(description, news) };
        await this.provide(description, holding, inputs);
        return outputsOf(description, holding, news);
    }

    async read(subject: Subject, old: Remembered): Promise<Remembered | undefined> {
        const description = describe(subject);
        const holding = this.ready.get(subject.type, old.id);
        if (holding === undefined) {
            return undefined;
        }
        // The cloud tells everything but passwords. What the program never said isn't an input of its.
        const isImport = Object.keys(old.inputs).length === 0;
        const told = Object.entries(isImport ? holding.inputs : old.inputs).map(([key, value]) => {
            const now = holding.inputs[key];
            const { kind = "text", isSecret = false } = description.inputs[key] ?? {};
            return [key, isSecret || now === undefined || isSame(kind, value, now) ? value : now];
        });
        const inputs = Object.fromEntries(told) as Properties;
        return { id: old.id, inputs, outputs: outputsOf(description, holding, inputs) };
    }

    async delete(subject: Subject, old: Remembered): Promise<void> {
        const description = describe(subject);
        const holding = this.ready.get(subject.type, old.id);
        if (holding === undefined) {
            return;
        }
        await this.refusedAs(description, "Delete", async () => {
            if (description.release === undefined) {
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

    /** The cloud, for those who have keys. A preview never comes here. */
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

    private async provide(description: Description, holding: Holding, inputs: Plain): Promise<void> {
        await description.provide?.(this.ready, holding, inputs);
        if (holding.status === "Creating") {
            holding.status = "Normal";
        }
        this.ready.keep(holding);
    }

    /** An instance takes its time. */
    private async settle({ log }: Subject, seconds: number): Promise<void> {
        for (let left = seconds; left > 0; left -= 5) {
            log(`still ${left} s to go`);
            await wait(Math.min(left, 5) * 1000, undefined, { signal: this.stopping.signal }).catch(() => {
                throw new Error("canceled while the cloud was still at it");
            });
        }
    }

    /** The error that a user of the real provider reads. */
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

/** Nothing of what the cloud chooses is known before it has. */
function unknownOutputs({ inputs, outputs }: Description): Properties {
    const chosen = Object.keys(inputs).filter((name) => inputs[name]?.isChosen);
    return Object.fromEntries([...Object.keys(outputs), ...chosen].map((name) => [name, unknown]));
}

function withoutSecrets({ inputs }: Description, news: Properties): Properties {
    const kept = Object.entries(news).filter(([key]) => !inputs[key]?.isSecret && !key.startsWith("__"));
    return plain(Object.fromEntries(kept)) as Properties;
}

/** What the cloud tells, and what the program said, with its secrets. */
function outputsOf(description: Description, { inputs, outputs, status }: Holding, news: Properties): Properties {
    const said = Object.entries(news).map(([key, value]): [string, Value] => [
        key,
        description.inputs[key]?.isSecret ? secret(value) : value,
    ]);
    const hasStatus = description.outputs.status === "text";
    const told = { ...outputs, ...inputs, ...(hasStatus ? { status: outputs.status ?? status } : {}), ...Object.fromEntries(said) };
    return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined && (!isObject(value) || value !== null)));
}
