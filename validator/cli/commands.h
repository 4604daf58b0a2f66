/* The commands of `pv`: each takes its own argv (argv[0] is the command's name) and returns the
 * exit code. */
#ifndef PV_CLI_COMMANDS_H
#define PV_CLI_COMMANDS_H

int pv_cmd_validate(int argc, char **argv);
int pv_cmd_lint(int argc, char **argv);
int pv_cmd_status(int argc, char **argv);
int pv_cmd_diff(int argc, char **argv);
int pv_cmd_campaign(int argc, char **argv);
int pv_cmd_history(int argc, char **argv);
int pv_cmd_explain(int argc, char **argv);
int pv_cmd_new(int argc, char **argv);
int pv_cmd_evidence(int argc, char **argv);
int pv_cmd_signature(int argc, char **argv);
int pv_cmd_completion(int argc, char **argv);
int pv_cmd_version(int argc, char **argv);

/* run, trace, compare, tensors, synth, bench, kernel: handed to pv-probe, since pv never parses a
 * model. */
int pv_cmd_forward(int argc, char **argv);

#endif
