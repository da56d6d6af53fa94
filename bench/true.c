/* What is run in every measurement: a static program that does nothing. */
int main(void)
{
    return 0;
}
