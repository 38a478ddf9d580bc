import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../files";
import type { Properties } from "../provider/values";
import { Refusal } from "./refusal";
import type { Site } from "./sites";

/** One thing that the cloud keeps. Passwords are never in it. */
export interface Holding {
    readonly type: string;
    readonly id: string;
    /** `Creating` until it serves. */
    status: string;
    /** What it was asked to be, without secrets. */
    inputs: Properties;
    /** What the cloud made of it. */
    outputs: Properties;
    /** What the cloud tells nobody: addresses, hashes. */
    inner: Properties;
}

/** What is there before the program runs, made by people in the console: networks, clusters and registries that a stack names by id. */
export interface Given {
    readonly vSwitches?: readonly { readonly id: string; readonly vpcId: string; readonly zoneId: string; readonly cidrBlock: string }[];
    /** By id: where a kubeconfig lies. */
    readonly clusters?: Readonly<Record<string, string>>;
    readonly registries?: readonly string[];
    /** The CIDR of the cluster's pods, as a stack names it, and as it is on this machine. */
    readonly pods?: { readonly there: string; readonly here: string };
}

/** What is to go wrong or slowly, by resource type. */
export interface Trouble {
    /** How long the making takes. */
    readonly seconds?: number;
    /** The cloud refuses to make it, with this. */
    readonly refusal?: string;
    /** It is made; then a call that sets it up is refused, with this. */
    readonly halfWay?: string;
    /** Inputs that the cloud fills in by itself, where nobody says them. */
    readonly fills?: Properties;
}

/** The account at Alibaba Cloud: a folder with a file for each thing in it. */
export class Cloud {
    constructor(
        readonly folder: string,
        readonly site: Site,
        /** For example `cn-hangzhou`. */
        readonly region: string,
    ) {}

    private turn: Promise<unknown> = Promise.resolve();

    /** One at a time: whoever takes a free name or address has it before the next one looks. */
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

    /** The vSwitch, made by the program or there before. */
    vSwitch(id: string): { vpcId: string; zoneId: string; cidrBlock: string } {
        const made = this.get("alicloud:vpc/switch:Switch", id)?.inputs;
        const found = made ?? this.given.vSwitches?.find((one) => one.id === id);
        if (found === undefined) {
            throw new Refusal("InvalidVSwitchId.NotFound", `The VSwitchId ${id} provided does not exist in our records.`);
        }
        return found as { vpcId: string; zoneId: string; cidrBlock: string };
    }

    /** For the cloud's own daemons: a folder of the thing's, with its data. */
    dataOf({ id }: Holding): string {
        return join(this.folder, "data", id);
    }
}

/** As the cloud's ids look: a prefix and what nobody else has. */
export function madeUpId(prefix: string): string {
    return `${prefix}${randomBytes(12).toString("hex").slice(0, 17)}`;
}
