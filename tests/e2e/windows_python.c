/* A stand-in for Windows' python.exe: says who it is and what it was asked to do.
 *
 *   python --version          Python <version>, as the real one does
 *   python FILE ARGUMENT...   what Scripts\pip.exe makes of `pip ARGUMENT...`: FILE is that program
 */
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--version") == 0) {
        puts("Python " VERSION);
        return 0;
    }
    for (int number = 0; number < count; number++)
        printf("[%s]", arguments[number]);
    puts("");
    return count - 1;
}
