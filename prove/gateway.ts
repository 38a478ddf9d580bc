import { once } from "node:events";
import { createServer, type Server } from "node:http";

/** Alibaba Cloud SMS as the product's own client asks it: remembers what it was told to send, and answers after a while. */
export class SmsGateway {
    /** How often it took each message, by the id that the product gave. */
    readonly taken = new Map<string, number>();

    private constructor(
        private readonly server: Server,
        readonly url: string,
    ) {}

    static async start(address: string, port: number, answerMilliseconds: number): Promise<SmsGateway> {
        const server = createServer();
        const gateway = new SmsGateway(server, `http://${address}:${port}`);
        server.on("request", async (request, response) => {
            let body = "";
            for await (const chunk of request) {
                body += chunk;
            }
            const asked = new URLSearchParams([...new URL(request.url ?? "/", gateway.url).searchParams, ...new URLSearchParams(body)]);
            const id = asked.get("OutId") ?? "";
            const answer = gateway.answer(request.headers["x-acs-action"] ?? asked.get("Action"), id);
            await new Promise((passed) => setTimeout(passed, answerMilliseconds));
            response.setHeader("Content-Type", "application/json");
            response.end(JSON.stringify(answer));
        });
        server.listen(port, address);
        await once(server, "listening");
        return gateway;
    }

    /** Taken the moment it is asked: whoever dies while it waits for the answer can't know. */
    private answer(action: unknown, id: string): object {
        if (action !== "SendSms" || id === "") {
            return { Code: "isv.UNSUPPORTED", Message: `${action} is not known here`, RequestId: "0" };
        }
        this.taken.set(id, (this.taken.get(id) ?? 0) + 1);
        return { Code: "OK", Message: "OK", RequestId: "0", BizId: id };
    }

    async stop(): Promise<void> {
        this.server.closeAllConnections();
        this.server.close();
        await once(this.server, "close");
    }
}
