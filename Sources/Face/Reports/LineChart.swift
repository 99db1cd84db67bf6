/// Lines or points over two axes, as SVG.
public struct LineChart: Sendable {
  /// One line.
  public struct Series: Sendable {
    /// Stands in the legend.
    public var name: String
    /// (x, y), in the order they are joined.
    public var points: [(x: Double, y: Double)]
    /// Whether points are joined.
    public var isJoined: Bool
    /// From where to where a bar is drawn through each point; as many as there are points, or none.
    public var bars: [ClosedRange<Double>?]
    /// Its colour; nil: one for its place among the lines.
    public var colour: ChartColour?

    /// A line through these points, or the points alone.
    public init(
      name: String, points: [(x: Double, y: Double)], isJoined: Bool = true,
      bars: [ClosedRange<Double>?] = [], colour: ChartColour? = nil
    ) {
      precondition(bars.isEmpty || bars.count == points.count, "a bar a point")
      self.name = name
      self.points = points
      self.isJoined = isJoined
      self.bars = bars
      self.colour = colour
    }

    /// With one point for all of the same x: their mean. Points go by x.
    public var averaged: Series {
      var series = self
      series.points = Dictionary(grouping: points, by: \.x).sorted { $0.key < $1.key }.map {
        ($0.key, $0.value.map(\.y).reduce(0, +) / Double($0.value.count))
      }
      series.bars = []
      return series
    }

    /// A series of averaged points for every timestep, the noisiest first, named after it.
    ///
    /// - Parameter points: timestep, training step and loss; those without a timestep are left out.
    /// - Returns: the series.
    public static func byTimestep(
      _ points: [(timestep: Double?, step: Double, loss: Double)]
    ) -> [Series] {
      Set(points.compactMap(\.timestep)).sorted(by: >).map { timestep in
        Series(
          name: "t \(Readable.fixed(timestep, places: 0))",
          points: points.filter { $0.timestep == timestep }.map { ($0.step, $0.loss) }
        ).averaged
      }
    }

    /// Without what is not finite.
    fileprivate var finite: Series {
      let kept = points.indices.filter { points[$0].x.isFinite && points[$0].y.isFinite }
      return Series(
        name: name, points: kept.map { points[$0] }, isJoined: isJoined,
        bars: bars.isEmpty ? [] : kept.map { bars[$0] }, colour: colour)
    }
  }

  /// What the chart shows.
  public let title: String
  private let xAxis: String
  private let yAxis: String
  private let series: [Series]

  private static let size = (width: 640.0, height: 300.0)
  /// That of a phone's page between its margins, so that nothing is drawn smaller there or lies beside the screen.
  private static let narrowSize = (width: 352.0, height: 260.0)
  private static let margin = (right: 26.0, top: 14.0, bottom: 42.0)
  private static let fontSize = 13

  /// A chart; points that are not finite are left out, and a line without points keeps its colour from
  /// others.
  public init(title: String, xAxis: String, yAxis: String, series: [Series]) {
    self.title = title
    self.xAxis = xAxis
    self.yAxis = yAxis
    self.series = series.map(\.finite)
  }

  /// The names of the lines, as an HTML element; beside the drawing, so that they have all room they need.
  var legend: String {
    let names = colours.filter { !$0.line.points.isEmpty }.map { line, colour in
      "<li><span\(line.isJoined ? "" : " class=\"dot\"") style=\"background:\(colour)\"></span>"
        + "\(SafeText.html(line.name))</li>"
    }
    return "<ul class=\"legend\">\(names.joined())</ul>"
  }

  private var colours: [(line: Series, colour: String)] {
    series.enumerated().map { ($0.element, ($0.element.colour ?? .other($0.offset)).code) }
  }

  /// The chart as an SVG element, without its legend.
  public var svg: String { svg(of: Self.size) }

  /// The same for narrow screens.
  var narrowSVG: String { svg(of: Self.narrowSize) }

  private func svg(of size: (width: Double, height: Double)) -> String {
    let (width, height) = size
    let points = series.flatMap(\.points)
    let bars = series.flatMap(\.bars).compactMap(\.self).flatMap { [$0.lowerBound, $0.upperBound] }
    let y = Axis(
      points.map(\.y) + bars + [0], from: height - Self.margin.bottom, to: Self.margin.top)
    // Room for the axis' name and the longest of its labels, a digit of which is 0.56 em wide.
    let longest = y.ticks.map { y.text($0).count }.max() ?? 0
    let left = 30 + 0.6 * Double(Self.fontSize * longest)
    let x = Axis(points.map(\.x), from: left, to: width - Self.margin.right, keepsWhole: true)
    var text = "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" width=\"\(Int(width))\" "
    text +=
      "role=\"img\" font-size=\"\(Self.fontSize)\" fill=\"currentColor\" font-family=\"sans-serif\">"
    text += frame(x, y)
    for (index, (line, colour)) in colours.enumerated() where !line.points.isEmpty {
      text += draw(line, x, y, beside: series[..<index], colour: colour)
    }
    return text + "</svg>"
  }

  private func frame(_ x: Axis, _ y: Axis) -> String {
    var text = ""
    for value in y.ticks {
      let place = short(y.place(value))
      text += "<line x1=\"\(short(x.start))\" x2=\"\(short(x.end))\" y1=\"\(place)\" "
      text += "y2=\"\(place)\" stroke=\"currentColor\" stroke-opacity=\"0.15\"/>"
      text += label(x.start - 6, y.place(value) + 4, y.text(value), anchor: "end")
    }
    for value in x.ticks {
      text += label(x.place(value), y.start + 17, x.text(value), anchor: "middle")
    }
    text += "<line x1=\"\(short(x.start))\" x2=\"\(short(x.end))\" y1=\"\(short(y.start))\" "
    text += "y2=\"\(short(y.start))\" stroke=\"currentColor\" stroke-opacity=\"0.6\"/>"
    text += label((x.start + x.end) / 2, y.start + 35, xAxis, anchor: "middle")
    let (column, row) = (short(14), short((y.start + y.end) / 2))
    text += "<text x=\"\(column)\" y=\"\(row)\" text-anchor=\"middle\" "
    text += "transform=\"rotate(-90 \(column) \(row))\">\(SafeText.html(yAxis))</text>"
    return text
  }

  /// A line; points with bars stand beside those of earlier lines, so that bars are seen.
  private func draw(
    _ line: Series, _ x: Axis, _ y: Axis, beside others: ArraySlice<Series>, colour: String
  ) -> String {
    let places = line.points.map { point in
      let taken = others.count { other in
        !line.bars.isEmpty && !other.bars.isEmpty && other.points.contains { $0.x == point.x }
      }
      return (short(x.place(point.x) + 7 * Double(taken)), short(y.place(point.y)))
    }
    var text = ""
    if line.isJoined {
      let path = places.map { "\($0.0),\($0.1)" }.joined(separator: " ")
      text += "<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" "
      text += "stroke-width=\"1.8\"/>"
    }
    for (place, bar) in zip(places, line.bars) {
      guard let bar else { continue }
      text += "<line x1=\"\(place.0)\" x2=\"\(place.0)\" y1=\"\(short(y.place(bar.lowerBound)))\" "
      text += "y2=\"\(short(y.place(bar.upperBound)))\" stroke=\"\(colour)\" stroke-width=\"1.5\"/>"
    }
    // Points that no line joins stand out from lines that pass under them.
    let radius = line.isJoined ? "2.2" : "5"
    for place in places {
      text += "<circle cx=\"\(place.0)\" cy=\"\(place.1)\" r=\"\(radius)\" fill=\"\(colour)\"/>"
    }
    return text
  }

  private func label(_ x: Double, _ y: Double, _ words: String, anchor: String) -> String {
    "<text x=\"\(short(x))\" y=\"\(short(y))\" text-anchor=\"\(anchor)\">"
      + "\(SafeText.html(words))</text>"
  }
}

/// A scale from values to places on the drawing, with round numbers to label it.
private struct Axis {
  let start: Double
  let end: Double
  let ticks: [Double]
  private let low: Double
  private let high: Double
  private let places: Int

  /// - Parameters:
  ///   - values: what is shown.
  ///   - start: the place of the lowest label.
  ///   - end: that of the highest.
  ///   - keepsWhole: whether whole numbers have labels of whole numbers only: steps, passes.
  init(_ values: [Double], from start: Double, to end: Double, keepsWhole: Bool = false) {
    self.start = start
    self.end = end
    let (least, most) = (values.min() ?? 0, values.max() ?? 1)
    let span = most > least ? most - least : 1
    // The round step that gives three to seven labels.
    var step = 1.0
    var decimals = 0
    while step * 7 < span { step *= 10 }
    while step > span {
      step /= 10
      decimals += 1
    }
    if span / step < 1.5 {
      step /= 5
      decimals += 1
    } else if span / step < 3 {
      step /= 2
      decimals += 1
    }
    if keepsWhole, step < 1, values.allSatisfy({ $0 == $0.rounded() }) { (step, decimals) = (1, 0) }
    low = (least / step).rounded(.down) * step
    high = max((most / step).rounded(.up) * step, low + step)
    places = step >= 1 ? 0 : decimals
    let count = Int(((high - low) / step).rounded())
    ticks = (0...count).map { [low] in low + Double($0) * step }
  }

  func place(_ value: Double) -> Double { start + (value - low) / (high - low) * (end - start) }

  func text(_ value: Double) -> String { Readable.fixed(value, places: places) }
}

/// A coordinate with one decimal, which is finer than anyone sees.
private func short(_ value: Double) -> String { Readable.fixed(value, places: 1) }
