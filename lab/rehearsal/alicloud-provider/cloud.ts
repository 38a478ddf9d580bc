import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../machine/files";
import type { Properties } from "../../machine/provider/values";
import { Refusal } from "./refusal";
import type { Site } from "./sites";

/** A resource in the cloud. It never contains passwords. */
export interface Holding {
    readonly type: string;
    readonly id: string;
    /** `Creating` until the resource serves. */
    status: string;
    /** The program's inputs, without secrets. */
    inputs: Properties;
    /** The values that the cloud has added. */
    outputs: Properties;
    /** Internal values that the API does not return: addresses, hashes. */
    inner: Properties;
}

/** Resources that people created in the console before the program runs. A stack names them by id. */
export interface Given {
    readonly vSwitches?: readonly { readonly id: string; readonly vpcId: string; readonly zoneId: string; readonly cidrBlock: string }[];
    /** Paths of kubeconfig files, by the cluster's id. */
    readonly clusters?: Readonly<Record<string, string>>;
    readonly registries?: readonly string[];
    /** The CIDR of the cluster's pods: in the stack file (`there`) and on this machine (`here`). */
    readonly pods?: { readonly there: string; readonly here: string };
}

/** Simulated faults and delays of a resource type. */
export interface Trouble {
    /** The duration of the creation. */
    readonly seconds?: number;
    /** The cloud refuses to create the resource, with this message. */
    readonly refusal?: string;
    /** The cloud creates the resource, and then refuses a call that configures it, with this message. */
    readonly halfWay?: string;
    /** The resource exists but is busy, for example with a backup. The cloud refuses a new account or password. */
    readonly isBusy?: boolean;
    /** Inputs that the cloud itself fills in if the program leaves them out. */
    readonly fills?: Properties;
}

/** The account at Alibaba Cloud: a folder with a file for each resource. */
export class Cloud {
    constructor(
        readonly folder: string,
        readonly site: Site,
        /** For example `cn-hangzhou`. */
        readonly region: string,
    ) {}

    private turn: Promise<unknown> = Promise.resolve();

    /** Runs one `work` at a time, so that two calls never take the same free name or address. */
    inTurn<T>(work: () => Promise<T>): Promise<T> {
        const result = this.turn.then(work, work);
        this.turn = result;
        return result;
    }

    private folderOf(type: string): string {
        return join(this.folder, "holdings", type.replaceAll(/[:/]/g, "."));
    }

    private fileOf(type: string, id: string): string {
        return join(this.folderOf(type), `${encodeURIComponent(id)}.json`);
    }

    get(type: string, id: string): Holding | undefined {
        const file = this.fileOf(type, id);
        return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Holding) : undefined;
    }

    all(type: string): Holding[] {
        const folder = this.folderOf(type);
        const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
        return files.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Holding);
    }

    keep(holding: Holding): void {
        mkdirSync(this.folderOf(holding.type), { recursive: true, mode: 0o700 });
        writeWhole(this.fileOf(holding.type, holding.id), JSON.stringify(holding, undefined, 4));
    }

    forget({ type, id }: Holding): void {
        rmSync(this.fileOf(type, id), { force: true });
    }

    get given(): Given {
        return this.readJson("given.json");
    }

    troubleWith(type: string): Trouble {
        return this.readJson<Record<string, Trouble>>("trouble.json")[type] ?? {};
    }

    private readJson<T extends object>(name: string): T {
        const file = join(this.folder, name);
        return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as T) : ({} as T);
    }

    /** The vSwitch, from the program or from `given`. */
    vSwitch(id: string): { vpcId: string; zoneId: string; cidrBlock: string } {
        const made = this.get("alicloud:vpc/switch:Switch", id)?.inputs;
        const found = made ?? this.given.vSwitches?.find((one) => one.id === id);
        if (found === undefined) {
            throw new Refusal("InvalidVSwitchId.NotFound", `The VSwitchId ${id} provided does not exist in our records.`);
        }
        return found as { vpcId: string; zoneId: string; cidrBlock: string };
    }

    /** The folder with the data of the resource's server. */
    dataOf({ id }: Holding): string {
        return join(this.folder, "data", id);
    }
}

/** Generates an id in the cloud's form: a prefix and random characters. */
export function madeUpId(prefix: string): string {
    return `${prefix}${randomBytes(12).toString("hex").slice(0, 17)}`;
}
