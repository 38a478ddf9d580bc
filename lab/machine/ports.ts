import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Whether this port of 127.0.0.1 is free. */
export async function isFree(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
}

/**
 * A free port of 127.0.0.1, below the ports that the kernel gives to outgoing connections (32768 and above on Linux). So none of them
 * takes the port before its server starts.
 */
export async function freePort(): Promise<number> {
    const port = randomInt(22_000, 31_000);
    return (await isFree(port)) ? port : freePort();
}

/** The first free port in the list, or undefined. */
export async function firstFree(ports: readonly number[]): Promise<number | undefined> {
    for (const port of ports) {
        if (await isFree(port)) {
            return port;
        }
    }
    return undefined;
}
