import Glibc
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

  @Test("names lines beside the drawing, and leaves room for the labels of an axis")
  func legend() throws {
    var page = HTMLPage(title: "t")
    page.add(
      LineChart(
        title: "c", xAxis: "x", yAxis: "a name",
        series: [
          .init(name: "line", points: [(0, 0), (1, 2e-7)], colour: .phase("slow")),
          .init(name: "dots", points: [(0, 1e-7)], isJoined: false, colour: .teacher),
          .init(name: "nothing", points: []),
        ]))
    #expect(
      page.text.contains(
        "<figure><ul class=\"legend\"><li><span style=\"background:#0072b2\"></span>line</li><li>"
          + "<span class=\"dot\" style=\"background:#777777\"></span>dots</li></ul>"))
    let chart = try #require(page.text.split(separator: "<svg").last)
    // The longest label, 0.00000020, has ten characters: it begins right of the axis' name, which stands at 14.
    #expect(chart.contains(">0.00000020</text>"))
    let start = chart.split(separator: "<line x1=\"").dropFirst().first?.prefix { $0 != "\"" }
    let left = try #require(start.flatMap { Double($0) })
    let label = 10 * 0.56 * 13
    #expect(left - 6 - label > 20)
  }

  @Test("draws a chart for pages and one for phones, whose numbers are as large")
  func widths() {
    var page = HTMLPage(title: "t")
    page.add(
      LineChart(
        title: "c", xAxis: "passes", yAxis: "y",
        series: [.init(name: "a", points: [(8, 1), (9, 2), (10, 0.5)])]))
    let drawings = page.text.split(separator: "<svg viewBox=\"0 0 ").dropFirst()
    #expect(drawings.map { $0.prefix { $0 != "\"" } } == ["640 300", "352 260"])
    for drawing in drawings {
      #expect(drawing.contains("font-size=\"13\""))
      // Between whole passes there is nothing.
      #expect(["8", "9", "10"].allSatisfy { drawing.contains(">\($0)</text>") })
      #expect(!drawing.contains(">8.5</text>"))
    }
  }

  @Test("makes one point of all with the same x")
  func averaged() {
    let series = LineChart.Series(name: "s", points: [(2, 1), (1, 4), (2, 2), (1, 4)]).averaged
    #expect(series.points.map(\.x) == [1, 2] && series.points.map(\.y) == [4, 1.5])
  }

  @Test("sets a column of numbers and its head to the right")
  func numbers() {
    var page = HTMLPage(title: "t")
    page.addTable(header: ["a", "b"], rows: [["x", "–"], ["2", "-3"]])
    #expect(page.text.contains("<th>a</th><th class=\"number\">b</th>"))
    #expect(page.text.contains("<td class=\"number\">–</td>"))
  }

  private static let colours: [ChartColour?] =
    [.phase("slow"), .phase("fast"), .phase("single"), .teacher, .plain]
    + (0..<10).map { .other($0) }

  /// **Source:** Web Content Accessibility Guidelines 2.2, "relative luminance" and "contrast ratio", and
  /// 1.4.11 (3 to 1 for what is needed to read graphics).
  @Test("has colours that are seen on light and dark pages, each its own")
  func contrast() throws {
    var seen: Set<String> = []
    for colour in Self.colours {
      let code = try colourCode(colour)
      #expect(seen.insert(code).inserted)
      let channels = try [1, 3, 5].map { start in
        let share = Double(try #require(UInt8(code.dropFirst(start).prefix(2), radix: 16))) / 255
        return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
      }
      let luminance = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
      #expect(1.05 / (luminance + 0.05) >= 3, "\(code) on white")
      // #121212, the canvas of browsers' dark pages.
      let canvas = pow((18.0 / 255 + 0.055) / 1.055, 2.4)
      #expect((luminance + 0.05) / (canvas + 0.05) >= 3, "\(code) on #121212")
    }
  }

  @Test("has one colour a phase, whatever its place among the lines")
  func phases() throws {
    #expect(try colourCode(.phase("slow")) == "#0072b2")
    #expect(try colourCode(.phase("fast")) == "#d55e00")
    #expect(try colourCode(.phase("part-1")) != colourCode(.phase("part-2")))
    // A line without a meaning never looks like one that has one.
    #expect(try colourCode(nil) == colourCode(.other(1)))
  }

  /// The colour of a chart's second line.
  private func colourCode(_ colour: ChartColour?) throws -> String {
    let lines: [LineChart.Series] = [
      .init(name: "a", points: [(0, 1)]), .init(name: "b", points: [(0, 1)], colour: colour),
    ]
    let svg = LineChart(title: "t", xAxis: "x", yAxis: "y", series: lines).svg
    let line = try #require(svg.split(separator: "<polyline").last)
    let stroke = try #require(line.split(separator: "stroke=\"").dropFirst().first)
    return String(stroke.prefix(7))
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
