import CommandSupport
import Testing

@Suite("An example in help")
struct ExampleTests {
  @Test func thatIsShortStays() {
    #expect(ExampleText.lines("tool in --output out", indent: 2) == "  tool in --output out")
  }

  @Test func goesOnBehindABackslashBeforeAnOption() {
    let line =
      "glance-sample --model FLUX.1-dev --adapter cat.safetensors --prompt \"a cat  on a bench\" --output cat.png"
    #expect(
      ExampleText.lines(line, indent: 2) == """
          glance-sample --model FLUX.1-dev --adapter cat.safetensors \\
            --prompt "a cat  on a bench" --output cat.png
        """)
  }

  @Test func startsAnewBehindAnd() {
    #expect(
      ExampleText.lines("tool a --x b && tool c", indent: 2) == """
          tool a --x b && \\
          tool c
        """)
  }
}
