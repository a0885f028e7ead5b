package rig;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDataMap;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.ContextRefreshedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Start and stop in Grails' order: Quartz and {@code BootStrap} when the context has been refreshed (the port is open by then), and
 * at SIGTERM first the jobs, without limit, then the web server.
 *
 * <p>Not Spring's own scheduler bean: that one waits for jobs after the port has been closed.
 */
@Component
public class Life {
    /** How far the bootstrap has come, in its order. */
    enum Step { PLUGINS, TOKEN_FILE, REST, READY }

    private final Duration plugins;
    private final Duration tokenFile;
    private final Duration rest;
    private final boolean fails;
    private final Scheduler scheduler;
    private volatile Step step = Step.PLUGINS;

    Life(
            @Value("${rig.plugins-ms}") long plugins,
            @Value("${rig.token-file-ms}") long tokenFile,
            @Value("${rig.rest-ms}") long rest,
            @Value("${rig.bootstrap-fails}") boolean fails)
            throws SchedulerException {
        this.plugins = Duration.ofMillis(plugins);
        this.tokenFile = Duration.ofMillis(tokenFile);
        this.rest = Duration.ofMillis(rest);
        this.fails = fails;
        this.scheduler = new StdSchedulerFactory().getScheduler();
    }

    @EventListener
    void bootstrap(ContextRefreshedEvent refreshed) throws SchedulerException {
        System.out.println("bootstrap");
        pass(plugins);
        scheduler.start();
        step = Step.TOKEN_FILE;
        pass(tokenFile);
        step = Step.REST;
        pass(rest);
        if (fails) {
            throw new IllegalStateException("the bootstrap fails, as it was told to");
        }
        step = Step.READY;
        System.out.println("ready");
    }

    @EventListener
    void stop(ContextClosedEvent closed) throws SchedulerException {
        System.out.println("stopping");
        scheduler.shutdown(true);
        System.out.println("no job runs");
    }

    boolean hasPassed(Step other) {
        return step.compareTo(other) > 0;
    }

    int running() throws SchedulerException {
        return scheduler.getCurrentlyExecutingJobs().size();
    }

    void startJob(long millis) throws SchedulerException {
        JobDataMap data = new JobDataMap();
        data.put("ms", millis);
        scheduler.scheduleJob(
                JobBuilder.newJob(Wait.class).usingJobData(data).build(), TriggerBuilder.newTrigger().startNow().build());
    }

    /** A job that is a length of time. */
    public static class Wait implements Job {
        @Override
        public void execute(JobExecutionContext context) {
            pass(Duration.ofMillis(context.getMergedJobDataMap().getLong("ms")));
        }
    }

    /** Lets a span pass. Parking may end early: it is asked again until the time is over. */
    static void pass(Duration span) {
        long end = System.nanoTime() + span.toNanos();
        for (long left = span.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
