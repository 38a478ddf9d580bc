import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { writeWhole } from "./files";
import { state } from "./places";

/** Of the own dockerd's builds. docker0 may be another daemon's, which takes it away when it starts. */
export const buildBridge = "sms-docker";
const buildCidr = "10.88.32.1/20";
const forwarding = "/proc/sys/net/ipv4/ip_forward";
const forwardingBefore = join(state, "ip_forward-before");

/** What the own dockerd needs of this host's network. */
export async function ensureDockerNetwork(): Promise<void> {
    if (!existsSync(forwardingBefore)) {
        writeWhole(forwardingBefore, readFileSync(forwarding, "utf8"));
    }
    // Before dockerd starts: it would turn forwarding on itself, and drop what it doesn't know.
    writeFileSync(forwarding, "1");
    await execa("ip", ["link", "add", buildBridge, "type", "bridge"], { reject: false });
    await execa("ip", ["address", "replace", buildCidr, "dev", buildBridge]);
    await execa("ip", ["link", "set", buildBridge, "up"]);
}

/** Takes back what `ensureDockerNetwork` and the own dockerd, which has ended, have added. */
export async function removeDockerNetwork(): Promise<void> {
    if (!existsSync(forwardingBefore)) {
        return;
    }
    await execa("ip", ["link", "delete", buildBridge], { reject: false });
    const { stdout } = await execa("iptables-save");
    const kept = stdout.split("\n").filter((line) => !["DOCKER", buildBridge].some((word) => line.includes(word)));
    await execa("iptables-restore", [], { input: `${kept.join("\n")}\n` });
    writeFileSync(forwarding, readFileSync(forwardingBefore, "utf8"));
}
