import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A real JVM in Rundeck's place: found by its arguments, watched, killed. It serves {@code /health} and as much of the API of a 5.20 as an
 * agent asks for, runs jobs that are lengths of time, and on SIGTERM answers on until the last job has ended, as Rundeck does.
 *
 * <p>It is no stand-in for Rundeck's answers: those are in the lab, with their versions and faults. The token is {@code good}.
 *
 * <p>Control, which no Rundeck has: {@code POST /job?ms=N} starts a job.
 */
public final class FakeRundeck {
    private static final int API = 58;
    private static final String TOKEN = "good";
    private static final Pattern API_PATH = Pattern.compile("/api/(\\d+)/(.*)");
    /** What a JVM that has nothing to do takes to end; it is not waited for longer. */
    private static final Duration LOOK_AGAIN = Duration.ofMillis(10);

    private final AtomicBoolean active = new AtomicBoolean(true);
    private final AtomicLong running = new AtomicLong();
    private final AtomicLong jobs = new AtomicLong();
    private final long started = System.currentTimeMillis();

    public static void main(String[] arguments) throws IOException {
        String host = System.getProperty("server.http.host", "127.0.0.1");
        int port = Integer.getInteger("server.http.port", 4440);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(host), port), 0);
        FakeRundeck rundeck = new FakeRundeck();
        server.createContext("/", rundeck::handle);
        server.setExecutor(Executors.newCachedThreadPool());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> rundeck.stop(server)));
        server.start();
        System.out.println("listening " + host + ":" + server.getAddress().getPort());
    }

    /** The web server goes last, after all jobs and without limit. */
    private void stop(HttpServer server) {
        System.out.println("stopping");
        while (running.get() > 0) {
            LockSupport.parkNanos(LOOK_AGAIN.toNanos());
        }
        server.stop(0);
        System.out.println("stopped");
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            Matcher api = API_PATH.matcher(path);
            if (path.equals("/health")) {
                answer(exchange, 200, "text/html;charset=utf-8", "ok");
            } else if (path.equals("/job") && exchange.getRequestMethod().equals("POST")) {
                json(exchange, 200, "{\"id\":" + startJob(exchange.getRequestURI().getQuery()) + "}");
            } else if (api.matches()) {
                api(exchange, Integer.parseInt(api.group(1)), api.group(2));
            } else {
                exchange.getResponseHeaders().set("Location", "/user/login");
                exchange.sendResponseHeaders(302, -1);
            }
        }
    }

    private void api(HttpExchange exchange, int version, String call) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (version < 11 || version > API) {
            String reason = ". API Request: " + path + ". Reason: " + (version > API ? "Current version: " + API : "Minimum supported version: 11");
            error(exchange, 400, "api.error.api-version.unsupported", "Unsupported API Version \\\"" + version + "\\\"" + reason);
        } else if (!TOKEN.equals(exchange.getRequestHeaders().getFirst("X-Rundeck-Auth-Token"))) {
            error(exchange, 403, "unauthorized", "(unauthenticated) is not authorized for: " + path);
        } else {
            switch (exchange.getRequestMethod() + " " + call) {
                case "GET system/info" -> json(exchange, 200, info());
                case "GET system/executions/status" -> json(exchange, 200, mode());
                case "POST system/executions/enable" -> setMode(exchange, true);
                case "POST system/executions/disable" -> setMode(exchange, false);
                default -> error(exchange, 404, "api.error.invalid.request", "Invalid API Request: " + path);
            }
        }
    }

    private void setMode(HttpExchange exchange, boolean wanted) throws IOException {
        active.set(wanted);
        json(exchange, 200, mode());
    }

    private String mode() {
        return "{\"executionMode\":\"" + modeWord() + "\"}";
    }

    private String modeWord() {
        return active.get() ? "active" : "passive";
    }

    private long startJob(String query) {
        long millis = query != null && query.startsWith("ms=") ? Long.parseLong(query.substring("ms=".length())) : 1000;
        long end = System.nanoTime() + Duration.ofMillis(millis).toNanos();
        running.incrementAndGet();
        Thread job = new Thread(() -> {
            // Parking may end early: it is asked again until the time is over.
            for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            running.decrementAndGet();
        });
        job.setDaemon(true);
        job.start();
        return jobs.incrementAndGet();
    }

    private String info() {
        long now = System.currentTimeMillis();
        Map<String, String> values = Map.of(
            "MODE", modeWord(), "ACTIVE", Boolean.toString(active.get()), "RUNNING", Long.toString(running.get()),
            "NOW", Long.toString(now), "SINCE", Long.toString(started), "UPTIME", Long.toString(now - started));
        String text = """
            {"system":{"timestamp":{"epoch":$NOW,"unit":"ms","datetime":"2026-01-01T00:00:00Z"},
            "rundeck":{"version":"5.20.1-20260101","build":"5.20.1-0","buildGit":"v5.20.1-0-g0000000","node":"jvm",
            "base":"/var/lib/rundeck","apiversion":"58","serverUUID":"3b1c9d60-8a51-4f6e-9f0e-2f4c1a5d7e90"},
            "executions":{"active":"$ACTIVE","executionMode":"$MODE"},
            "os":{"arch":"amd64","name":"Linux","version":"6.1.0"},
            "jvm":{"name":"OpenJDK 64-Bit Server VM","vendor":"Debian","version":"17","implementationVersion":"17"},
            "stats":{"uptime":{"duration":$UPTIME,"unit":"ms","since":{"epoch":$SINCE,"unit":"ms","datetime":"2026-01-01T00:00:00Z"}},
            "cpu":{"loadAverage":{"unit":"percent","average":0},"processors":2},
            "memory":{"unit":"byte","max":67108864,"free":16777216,"total":33554432},
            "scheduler":{"running":$RUNNING,"threadPoolSize":10},"threads":{"active":20}},"extended":null}}""";
        for (Map.Entry<String, String> value : values.entrySet()) {
            text = text.replace("$" + value.getKey(), value.getValue());
        }
        return text;
    }

    private static void error(HttpExchange exchange, int status, String code, String message) throws IOException {
        json(exchange, status, "{\"error\":true,\"apiversion\":" + API + ",\"errorCode\":\"" + code + "\",\"message\":\"" + message + "\"}");
    }

    private static void json(HttpExchange exchange, int status, String body) throws IOException {
        answer(exchange, status, "application/json;charset=utf-8", body);
    }

    private static void answer(HttpExchange exchange, int status, String type, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.sendResponseHeaders(status, -1);
        } else {
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }
}
