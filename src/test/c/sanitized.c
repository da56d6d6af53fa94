/*
 * Options of the sanitizers for the launcher: it is started without an environment. Its roles leave memory to their end, and a
 * report has nowhere to go but the end of the process, which the tests see.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0";
}
