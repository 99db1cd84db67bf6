import Elements
import Reports
import Testing

@Suite("Tables for narrow terminals")
struct FittingTests {
  private var facts: TextTable {
    var table = TextTable([.left, .left])
    table.add(["name", "one two three four five six"])
    table.add(["n", "x"])
    return table
  }

  @Test func longTextsContinueBelowThemselves() {
    #expect(
      facts.text(indent: 1, columns: 28)
        == " name  one two three four\n       five six\n n     x\n")
    #expect(facts.text(indent: 1, columns: nil) == facts.text(indent: 1))
    #expect(facts.fits(indent: 1, columns: 34) && !facts.fits(indent: 1, columns: 33))
  }

  @Test func wordsThatAreLongerThanALineAreCut() {
    var table = TextTable([.left])
    table.add([String(repeating: "a", count: 45)])
    let lines = table.text(columns: 20).split(separator: "\n").map(\.count)
    #expect(lines == [20, 20, 5])
  }

  @Test func rowsAreStackedWithLabels() {
    var table = TextTable([.left, .left, .left, .left])
    table.add(["t", "F32", "0.5", ""])
    #expect(
      table.stackedText(labels: ["", "min", "max"], indent: 2, columns: 60)
        == "  t\n    F32  min 0.5\n")
    #expect(
      table.stackedText(labels: ["", "min", "max"], indent: 2, columns: 14)
        == "  t\n    F32\n    min 0.5\n")
  }

  @Test func histogramsAreOneCharacterABin() {
    #expect(HistogramBars.text([0, 1, 50, 100], unicode: true) == "[ ▁▅█]")
    #expect(HistogramBars.text([0, 1, 50, 100], unicode: false) == "[ .+@]")
    #expect(HistogramBars.text([0, 0], unicode: true) == "[  ]")
  }
}
