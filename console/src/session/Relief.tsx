// Drawn over the relief of the sign-in screen: the person's way through the terrain, and the points it is tied to.
const way =
  'M600 896c-2.7-5.4-12-24-16-32.5c-4-8.5-5.4-12.2-8-18.7c-2.6-6.6-5-12.4-7.5-20.8c-2.5-8.4-6.5-20.8-7.4-29.8c-0.9-9 0.9-17.1 2.3-24.4c1.3-7.3 3.6-12.7 5.8-19.3c2.2-6.6 4.7-13.6 7.2-20.3c2.5-6.7 5.1-13.3 7.8-19.9c2.6-6.6 3.4-10.8 7.9-19.7c4.5-8.9 10.8-24.2 19.2-33.7c8.4-9.5 21.5-17.9 31.3-23.1c9.8-5.3 18.7-6.8 27.6-8.4c8.9-1.6 16.4-0.4 25.8-1.2c9.4-0.7 22.3-1.8 30.6-3.3c8.3-1.5 12.6-3.6 19.2-5.8c6.6-2.3 13.5-4.7 20.3-7.8c6.8-3 13.3-6.4 20.4-10.5c7.1-4.1 14.9-9 22.4-14.3c7.6-5.3 15.7-11.4 22.9-17.5c7.3-6.1 14.6-12.8 20.6-18.8c6-6 10.9-11.6 15.4-17.3c4.5-5.7 7.5-11 11.4-17c3.9-6 7.3-12.1 11.7-18.9c4.4-6.8 9.2-14.5 14.7-21.9c5.5-7.4 11.6-15.5 18.1-22.8c6.5-7.3 14.1-14.4 21.1-21c7-6.6 14.2-12.4 20.9-18.6c6.8-6.2 13.5-12.5 19.6-18.5c6.2-6 12.2-11.8 17.5-17.6c5.3-5.8 9.6-10.8 14.5-17.1c4.9-6.4 10.1-13.7 15.2-21c5.1-7.2 10.5-15.2 15.2-22.4c4.7-7.2 9.3-14.4 13.1-20.9c3.9-6.5 5-9.2 10.1-18c5.1-8.9 14.5-26.6 20.7-35.2c6.2-8.6 10.5-11.7 16.5-16.6c6.1-5 16.5-11 19.8-13.2c3.3-2.2 0 0 0 0';
const peaks = [[934, 67, 1908], [1330, 391, 1939], [778, 451, 1714], [1258, 529, 1902]] as const;

/** The picture beside sign-in: real contour lines, one dashed way. Decoration, so hidden from readers of the screen. */
export function Relief() {
  return (
    <div aria-hidden="true">
      <div className="relief" />
      <svg className="route" viewBox="0 0 1440 900" preserveAspectRatio="xMidYMid slice">
        <path d={way} className="route-halo" />
        <path d={way} className="route-way" />
        <circle cx="1128" cy="208" r="8" className="route-person" />
        {peaks.map(([x, y, height]) => (
          <g key={height}>
            <path d={`M${x} ${y}l5 8.6h-10z`} className="route-peak" />
            <circle cx={x} cy={y + 5.6} r="1" className="route-point" />
            <text x={x + 10} y={y + 9} className="route-height">
              {height}
            </text>
          </g>
        ))}
      </svg>
      <div className="frame" />
    </div>
  );
}
