internal import JSON
public import Pictures
public import SystemPackage

/// The pictures of a batch in one labelled picture. Columns are what varies last of prompts, seeds, strengths
/// and schedules, rows are the rest; prompts alone are rows of one picture.
public struct DrawingGrid: Sendable {
  /// What is written around the pictures.
  public let labels: LabelledGrid.Labels
  /// Where it is written.
  public let file: FilePath
  private var grid: LabelledGrid

  /// What its settings are in.
  static let format = "glance-sample-grid/1"

  /// The grid of a batch, empty.
  ///
  /// - Parameters:
  ///   - batch: what is drawn.
  ///   - file: where it is written.
  /// - Throws: ``DrawingError`` when there are more pictures than labels can be read of.
  public init(_ batch: DrawingBatch, in file: FilePath) throws(DrawingError) {
    self.file = file
    labels = Self.labels(of: batch)
    let grid = LabelledGrid(
      labels, width: batch.parts.map(\.plan.size.width).max() ?? 1,
      height: batch.parts.map(\.plan.size.height).max() ?? 1)
    guard let grid else {
      throw .invalid(
        source: "--grid \(file)",
        expected: "rows and columns that fit into \(Picture.pixelLimit) pixels, labels included",
        found: "\(labels.rows.count) rows and \(labels.columns.count) columns")
    }
    self.grid = grid
  }

  /// What sides of pictures are divided by; 1 where the grid shows them as they are.
  public var reduction: Int { grid.reduction }

  /// Sets a picture into its place among all of the batch.
  public mutating func place(_ picture: Picture, at place: Int) {
    let columns = labels.columns.count
    grid.place(picture, row: place / columns, column: place % columns)
  }

  /// The bytes of a PNG that names the files of the pictures: formats/sampling.md.
  ///
  /// - Parameters:
  ///   - software: the program.
  ///   - files: of the pictures, in their order.
  /// - Returns: the bytes.
  /// - Throws: ``PictureError``.
  public func png(by software: String, files: [String]) throws(PictureError) -> [UInt8] {
    let settings: JSONValue = [
      "format": .string(Self.format), "title": .string(labels.title),
      "rows": .array(labels.rows.map { .string($0) }),
      "columns": .array(labels.columns.map { .string($0) }),
      "reduction": .integer(Int64(reduction)),
      "pictures": .array(files.map { .string($0) }),
    ]
    return try grid.picture.png(by: software, settings: settings)
  }

  private static func labels(of batch: DrawingBatch) -> LabelledGrid.Labels {
    let axes = GridAxes(batch)
    return LabelledGrid.Labels(
      title: axes.prompts.count == 1 ? axes.prompts[0] : "", rows: axes.rows, columns: axes.columns)
  }
}

/// What varies in a batch, and its values.
private struct GridAxes {
  /// The prompts, in their order, with how each is drawn where they differ in that.
  let prompts: [String]
  /// The seeds of each prompt, `[prompts, seeds]`.
  private let seeds: [[UInt64?]]
  private let strengths: [String]
  private let schedules: [String]

  init(_ batch: DrawingBatch) {
    let (items, lines) = (batch.items, batch.lines)
    // Lines have as many pictures each, with seeds that follow each other; states of prompts have no lines.
    let count = max(1, lines.isEmpty ? batch.picturesPerPrompt : items.count / lines.count)
    let groups = stride(from: 0, to: items.count, by: count).map {
      Array(items[$0..<min($0 + count, items.count)])
    }
    let differ = Set(lines.map(\.manner)).count > 1
    prompts = groups.enumerated().map { index, group in
      let manner = differ && lines.indices.contains(index) ? lines[index].mannerText : ""
      return group[0].prompt + (manner.isEmpty ? "" : "\n" + manner)
    }
    seeds = groups.map { $0.map(\.seed) }
    strengths = batch.variation.strengths.map { "strength \($0.shortest)" }
    schedules = batch.variation.schedules
  }

  /// The axis whose values are columns: the last that varies; 0 for none.
  private var columnAxis: Int {
    if schedules.count > 1 { return 3 }
    if strengths.count > 1 { return 2 }
    return seeds[0].count > 1 ? 1 : 0
  }

  var columns: [String] {
    switch columnAxis {
    case 3: return schedules
    case 2: return strengths
    case 1:
      return seeds[0].indices.map { number in
        guard seedsAreAlike else { return number == 0 ? "its seed" : "its seed + \(number)" }
        return Self.text(seeds[0][number], number)
      }
    default: return [""]
    }
  }

  var rows: [String] {
    let axis = columnAxis
    let numbers = axis > 1 ? Array(seeds[0].indices) : [0]
    let factors: [String?] = axis > 2 && strengths.count > 1 ? strengths : [nil]
    return prompts.indices.flatMap { prompt in
      numbers.flatMap { number in
        factors.map { factor in
          var words: [String] = []
          if numbers.count > 1 || !seedsAreAlike {
            words.append(Self.text(seeds[prompt][number], number))
          }
          if let factor { words.append(factor) }
          // What tells rows apart comes first: a prompt may be longer than its picture is high.
          return ([words.joined(separator: ", ")] + (prompts.count > 1 ? [prompts[prompt]] : []))
            .filter { !$0.isEmpty }.joined(separator: "\n")
        }
      }
    }
  }

  private var seedsAreAlike: Bool { seeds.allSatisfy { $0 == seeds[0] } }

  private static func text(_ seed: UInt64?, _ number: Int) -> String {
    seed.map { "seed \($0)" } ?? "noise \(number + 1)"
  }
}
