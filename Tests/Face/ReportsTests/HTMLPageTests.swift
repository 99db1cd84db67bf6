import Reports
import Testing

@Suite("A report page")
struct HTMLPageTests {
  @Test func hostileTextStaysText() {
    var page = HTMLPage(title: "<script>alert(1)</script>")
    page.addText("a & b \"c\"")
    page.addTable(header: ["<b>"], rows: [["<img src=x onerror=y>"], ["12.5"]])
    page.add(
      LineChart(
        title: "<i>", xAxis: "x", yAxis: "y",
        series: [.init(name: "</svg>", points: [(0, 1), (1, .nan), (2, 3)])]))
    let text = page.text
    #expect(!text.contains("<script>"))
    #expect(!text.contains("<img"))
    #expect(!text.contains("<i>"))
    #expect(text.contains("&lt;/svg&gt;"))
    #expect(text.contains("class=\"number\">12.5"))
    #expect(!text.lowercased().contains("nan"))
  }

  @Test func histogramsAreBarsAndFactsAreEscaped() {
    var page = HTMLPage(title: "t")
    page.addFacts([("<n>", "a<b")])
    page.addTable(header: ["h"], rows: [[.bars([0, 1, 200])], [.text("x")]])
    let text = page.text
    #expect(text.contains("<th>&lt;n&gt;</th><td>a&lt;b</td>"))
    // Nothing for 0, a visible minimum for 1 of 200, the full height for the highest.
    #expect(text.contains("y=\"100\" width=\"9\" height=\"0\""))
    #expect(text.contains("x=\"10\" y=\"97\" width=\"9\" height=\"3\""))
    #expect(text.contains("x=\"20\" y=\"0\" width=\"9\" height=\"100\""))
  }

  // RFC 4648, section 10.
  @Test(
    "embeds pictures as base64",
    arguments: [
      ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
  func pictures(bytes: String, expected: String) {
    var page = HTMLPage(title: "t")
    page.add(
      PictureGrid(
        columns: ["c", "d"],
        rows: [
          .init(name: "r", pictures: [.init(png: Array(bytes.utf8), description: "p"), nil])
        ]))
    #expect(page.text.contains("src=\"data:image/png;base64,\(expected)\""))
  }

  @Test("draws a chart for any values", arguments: [[], [0.0], [5, 5], [1e-9, 2e-9], [0, 1e7]])
  func chart(values: [Double]) {
    let points = values.enumerated().map { (x: Double($0.offset), y: $0.element) }
    let svg = LineChart(
      title: "t", xAxis: "x", yAxis: "y", series: [.init(name: "s", points: points)]
    ).svg
    #expect(svg.hasPrefix("<svg"))
    #expect(!svg.contains("inf") && !svg.contains("nan"))
  }
}
