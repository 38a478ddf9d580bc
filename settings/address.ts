/** Reads the addresses in a stack file, including those in variables. It has the form of each kind, and finds the faults. */

export interface AddressForm {
    /** The allowed form, in words. */
    readonly words: string;
    readonly example: string;
    readonly schemes: readonly string[];
    /** Several hosts with commas between them. */
    readonly manyHosts?: true;
    /** The scheme whose host is only a DNS name. The DNS has the servers and their ports. */
    readonly lookedUp?: string;
    /** Schemes that users may expect, and why they aren't allowed. */
    readonly refused?: Readonly<Record<string, string>>;
    /** The credentials that it may contain. `user or password` also allows a password alone. */
    readonly account?: "user and password" | "user or password";
    readonly path: RegExp;
    readonly query?: true;
    /** Pods use it, and in a pod localhost is the pod itself. */
    readonly forPods?: true;
}

const encoded = "user and password percent-encoded";
const reachable = "with a host that the pods can reach (in a pod, localhost and 127.0.0.1 are the pod itself)";
const noPath = /^\/?$/;

export const redisForm: AddressForm = {
    words: `redis:// or rediss:// URL, ${encoded}, ${reachable}`,
    example: "redis://sms:PASSWORD@redis.example.com:6379/0",
    schemes: ["redis", "rediss"],
    refused: { sentinel: "Sentinel isn't supported: name an address that always leads to the primary" },
    account: "user or password",
    path: /^(\/\d*)?$/,
    query: true,
    forPods: true,
};
export const mongoForm: AddressForm = {
    words: `mongodb:// or mongodb+srv:// URL, ${encoded}, ${reachable}`,
    example: "mongodb://sms:PASSWORD@mongo.example.com:27017/sms",
    schemes: ["mongodb", "mongodb+srv"],
    manyHosts: true,
    lookedUp: "mongodb+srv",
    account: "user and password",
    path: /^(\/[\w%-]*)?$/,
    query: true,
    forPods: true,
};
const gatewayForm: AddressForm = {
    words: `an https:// or http:// address without a path, a user or a password, ${reachable}`,
    example: "https://dysmsapi.aliyuncs.com",
    schemes: ["https", "http"],
    path: noPath,
    forPods: true,
};
const proxyForm: AddressForm = {
    words: `an http:// or https:// address without a path, ${encoded}, ${reachable}`,
    example: "http://proxy.example.com:3128",
    schemes: ["http", "https"],
    account: "user or password",
    path: noPath,
    forPods: true,
};
/** The collector appends a path, so the address has none. */
export const otlpForm: AddressForm = { ...gatewayForm, example: "https://otlp.example.com:4318", path: /^$/ };
/** The program appends a fragment such as `#alert`, so the address has none. */
export const pageForm: AddressForm = {
    words: "an https:// or http:// address without a user, a password or a #",
    example: "https://git.example.com/sms/docs/on-call.md",
    schemes: ["https", "http"],
    path: /^(\/.*)?$/,
    query: true,
};

/** Variables whose addresses the program itself reads: the workers' SMS gateway and proxies. */
export const addressVariables: Readonly<Record<string, AddressForm>> = {
    ALIYUN_SMS_ENDPOINT: gatewayForm,
    HTTPS_PROXY: proxyForm,
    https_proxy: proxyForm,
    HTTP_PROXY: proxyForm,
    http_proxy: proxyForm,
};

const part = "(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2}|[-.~!$&'()*+,;=])*";
const accountPattern = new RegExp(`^${part}(?::${part})?$`);
const loopback = /^((.*\.)?localhost\.?|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[[0:]*1?\])$/i;

/** The fault of an address, or undefined. It never quotes a part of the address, which may contain a password. */
export function addressFault(text: string, form: AddressForm): string | undefined {
    if (/[\s\p{Cc}]/u.test(text)) {
        return "it has a space or a control character";
    }
    const [, scheme, rest = ""] = /^([^:/?#@]*):\/\/(.*)$/.exec(text) ?? [];
    if (scheme === undefined || !form.schemes.includes(scheme)) {
        const refused = Object.entries(form.refused ?? {}).find(([other]) => other === scheme);
        if (refused !== undefined) {
            return refused[1];
        }
        return `it doesn't begin with ${form.schemes.map((scheme) => `${scheme}://`).join(" or ")}`;
    }
    const [, authority = "", path = "", query = "", fragment = ""] = /^([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/.exec(rest) ?? [];
    const end = authority.lastIndexOf("@");
    const account = authority.slice(0, Math.max(end, 0));
    if (form.account && (!isEncoded(account) || /@/.test(path + query + fragment))) {
        return "its user or its password isn't percent-encoded";
    }
    if (!form.account && end >= 0) {
        return "it has a user or a password";
    }
    if (end >= 0 && form.account === "user and password" && /^(:|$)/.test(account)) {
        return "its user is missing";
    }
    const hosts = authority.slice(end + 1);
    if (scheme === form.lookedUp && (/[,:[]/.test(hosts) || /^[\d.]+$/.test(hosts))) {
        return `after ${scheme}:// there must be one name without a port: the DNS has the servers`;
    }
    const wrongHost = (form.manyHosts ? hosts.split(",") : [hosts]).map((host) => hostFault(host, form)).find(Boolean);
    if (wrongHost !== undefined) {
        return wrongHost;
    }
    if (!form.path.test(path)) {
        return "its path has the wrong form";
    }
    if (query !== "" && !(form.query && /^\?([A-Za-z]\w*=[^&]*(&|$))*$/.test(query))) {
        return "its options aren't NAME=VALUE, with & between them";
    }
    return fragment === "" ? undefined : "it has a #";
}

/** The fault of a host with an optional port, or undefined. */
export function hostFault(text: string, { forPods }: Pick<AddressForm, "forPods"> = {}): string | undefined {
    const [, host, port] = /^(\[[0-9A-Fa-f:.]+\]|[\w-]+(?:\.[\w-]+)*\.?)(?::(.*))?$/.exec(text) ?? [];
    if (host === undefined) {
        return text === "" || text.startsWith(":") ? "its host is missing" : "its host isn't a name or an address";
    }
    if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65535)) {
        return "its port isn't a number from 1 to 65535";
    }
    return forPods && loopback.test(host) ? "its host is the pod itself" : undefined;
}

/** The address with its scheme, if only the scheme was missing. Otherwise undefined. */
export function withScheme(text: string, form: AddressForm): string | undefined {
    const whole = `${form.schemes[0]}://${text}`;
    return addressFault(whole, form) === undefined ? whole : undefined;
}

function isEncoded(account: string): boolean {
    try {
        decodeURIComponent(account);
        return accountPattern.test(account);
    } catch {
        return false;
    }
}
