import Pictures
import Testing

@Suite("A labelled grid")
struct LabelledGridTests {
  private static func plain(_ width: Int, _ height: Int, _ shade: UInt8) -> Picture {
    Picture(
      width: width, height: height, pixels: Array(repeating: shade, count: width * height * 3))
  }

  private static let labels = LabelledGrid.Labels(
    title: "a cat", rows: ["first", "second"], columns: ["seed 1", "seed 2", "seed 3"])

  @Test("shows every picture as it is, in its place")
  func pictures() throws {
    var grid = try #require(LabelledGrid(Self.labels, width: 300, height: 200))
    #expect(grid.reduction == 1)
    let empty = grid.picture
    for row in 0..<2 {
      for column in 0..<3 {
        grid.place(
          Self.plain(300, 200, UInt8(40 + 60 * row + 20 * column)), row: row, column: column)
      }
    }
    let picture = grid.picture
    #expect(picture.width == empty.width && picture.height == empty.height)
    // Each shade fills a rectangle of the picture's size and is nowhere else.
    for row in 0..<2 {
      for column in 0..<3 {
        let shade = UInt8(40 + 60 * row + 20 * column)
        let found = (0..<picture.width * picture.height).filter { pixel in
          picture.pixels[pixel * 3..<pixel * 3 + 3].allSatisfy { $0 == shade }
            && empty.pixels[pixel * 3] != shade
        }
        let (xs, ys) = (found.map { $0 % picture.width }, found.map { $0 / picture.width })
        #expect(found.count == 60_000, "row \(row), column \(column)")
        #expect(
          (xs.max() ?? 0) - (xs.min() ?? 0) == 299 && (ys.max() ?? 0) - (ys.min() ?? 0) == 199)
      }
    }
  }

  @Test("has its labels in black on white outside of the places")
  func labels() throws {
    let bare = try #require(
      LabelledGrid(
        .init(title: "", rows: ["", ""], columns: ["", "", ""]), width: 300, height: 200))
    #expect(bare.picture.pixels.allSatisfy { $0 == 255 })
    let grid = try #require(LabelledGrid(Self.labels, width: 300, height: 200)).picture
    #expect(grid.pixels.contains(0))
    #expect(grid.width > bare.picture.width && grid.height > bare.picture.height)
    // The lower right is places alone.
    let corner = (grid.height - 390..<grid.height).flatMap { row -> ArraySlice<UInt8> in
      let end = (row + 1) * grid.width * 3
      return grid.pixels[end - 900 * 3..<end]
    }
    #expect(corner.allSatisfy { $0 == 255 })
  }

  @Test("is reduced to what programs open without a warning")
  func reduced() throws {
    // Twelve times 4096 x 4096 are 201 million pixels, a quarter of that 50 million.
    let labels = LabelledGrid.Labels(
      title: "", rows: ["", "", ""], columns: ["", "", "", ""])
    var grid = try #require(LabelledGrid(labels, width: 4096, height: 4096))
    #expect(grid.reduction == 2)
    grid.place(Self.plain(4096, 4096, 9), row: 0, column: 0)
    #expect(grid.picture.pixels.count(where: { $0 == 9 }) == 2048 * 2048 * 3)
  }

  @Test("writes text that any picture's width can hold")
  func longLabels() throws {
    let long = String(repeating: "a large red star in the center ", count: 40)
    let whole = LabelledGrid(
      .init(
        title: long, rows: [long + "\nseed 7"],
        columns: [String(repeating: "w", count: 500), "中文 Ελλάδα ж é"]), width: 64, height: 64)
    let grid = try #require(whole).picture
    #expect(grid.width < 500 && grid.height < 300)
    #expect(grid.pixels.contains(0))
  }

  @Test("of more pictures than labels can be read of is none")
  func tooMany() {
    let (rows, columns) = (Array(repeating: "a", count: 4000), Array(repeating: "b", count: 10))
    #expect(
      LabelledGrid(.init(title: "", rows: rows, columns: columns), width: 96, height: 96) == nil)
    let row = LabelledGrid.Labels(
      title: "", rows: [""], columns: Array(repeating: "", count: 3000))
    #expect(
      LabelledGrid(row, width: 1024, height: 1024)?.picture.pixels.count ?? .max
        <= 3 * Picture.pixelLimit)
  }
}
